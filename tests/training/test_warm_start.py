import csv
import shutil

import numpy as np
import pytest

import dlmath
from dlmath.errors import RecipeError, RunError, Stopped, UserError
from dlmath.training import checkpoints, resume

STILL = {"optimizer": "sgd", "learning_rate": 1e-30}  # a training that moves no weight


@pytest.fixture(scope="module")
def recipe(squares_recipe):
    patients = (r"^(?P<patient>[pq]\d+)_",)
    return squares_recipe.replace(
        tune="all", batch_size=8, epochs=1, patient_rules=patients, l2=0.0
    )


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    return draw_squares(tmp_path_factory.mktemp("images"), {"dark": 90, "bright": 170})


@pytest.fixture(scope="module")
def more_images(images, tmp_path_factory):
    """The old images, and as many of patients who are new."""
    folder = tmp_path_factory.mktemp("more")
    for path in images.glob("*/*.png"):
        for name in (path.name, path.name.replace("p", "q", 1)):
            copy = folder / path.parent.name / name
            copy.parent.mkdir(exist_ok=True)
            data = bytearray(path.read_bytes())
            copy.write_bytes(data if name == path.name else data + b"x")  # other bytes, no copy
    return folder


@pytest.fixture(scope="module")
def parent(recipe, images, tmp_path_factory):
    return dlmath.train(recipe, images, out=tmp_path_factory.mktemp("runs") / "parent")


@pytest.fixture(scope="module")
def child(parent, more_images, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "child"
    return dlmath.train(data=more_images, start_from=parent, out=out, **STILL)


def parts(run):
    rows = csv.DictReader(run.split_path.read_text().splitlines())
    return {(row["class"], row["file"]): row["split"] for row in rows}


def test_it_begins_with_the_weights_of_its_parent(parent, child):
    ours = dlmath.load(child).get_layer("logits").get_weights()
    theirs = dlmath.load(parent).get_layer("logits").get_weights()
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.tobytes() == other.tobytes()
    assert child.recipe == parent.recipe.replace(**STILL)


@pytest.mark.slow
def test_the_manifest_names_its_forebears(parent, child, more_images, tmp_path):
    lineage = child.manifest["lineage"]
    assert lineage["parent"] == "parent"
    assert lineage["model_sha256"] == parent.manifest["model"]["sha256"]
    grandchild = dlmath.train(
        "small", more_images, start_from=child.folder, out=tmp_path / "grandchild"
    )
    chain = grandchild.manifest["lineage"]["chain"]
    assert [link["run"] for link in chain] == ["child", "parent"]


def test_nobody_changes_sides(parent, child):
    before, now = parts(parent), parts(child)
    assert all(now[image] == part for image, part in before.items())
    assert len(now) == 2 * len(before)
    new = {part for image, part in now.items() if image not in before}
    assert new == {"train", "validation", "test"}


@pytest.mark.slow
def test_it_can_be_gone_on_with_where_its_parent_is_gone(parent, child, more_images, tmp_path):
    parents = tmp_path / "parent"
    shutil.copytree(parent.folder, parents)

    def stop(*_):
        raise Stopped("before the first checkpoint", 15)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlmath.training.step_trainer.StepTrainer.fit", stop)
        with pytest.raises(Stopped):
            dlmath.train(data=more_images, start_from=parents, out=tmp_path / "run", **STILL)
    shutil.rmtree(parents)
    run = resume(tmp_path / "run")
    assert run.history_path.read_bytes() == child.history_path.read_bytes()


def test_weights_that_do_not_fit_are_refused(parent, more_images, tmp_path):
    with pytest.raises(RunError, match="do not fit"):
        dlmath.train(data=more_images, start_from=parent, out=tmp_path / "run", image_size=16)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"data": None}, "needs data"),
        ({"recipe": "malaria"}, "of the task 'small' again"),
        ({"backbone": "efficientnet_lite0"}, "its own backbone"),
        ({"classes": ["a", "b"]}, "its own classes"),
        ({"l2": 1.0}, "belongs to a head that is solved"),
    ],
)
def test_what_does_not_fit_is_refused(parent, images, asked, message):
    with pytest.raises((UserError, RecipeError), match=message):
        dlmath.train(**{"data": images, "start_from": parent, **asked})


def test_an_unfinished_run_is_no_parent(parent, images, tmp_path):
    shutil.copytree(parent.folder, tmp_path / "run")
    (tmp_path / "run" / "model.keras").unlink()
    with pytest.raises(RunError, match="not finished"):
        dlmath.train(data=images, start_from=tmp_path / "run")


@pytest.mark.slow
def test_a_solved_head_is_solved_for_on_the_data_that_are_named(
    squares_recipe, recipe, images, more_images, tmp_path
):
    solved = squares_recipe.replace(patient_rules=recipe.patient_rules)
    parent = dlmath.train(solved, images, out=tmp_path / "parent")
    # The network below the head is the parent's, whatever seed is asked for.
    child = dlmath.train(data=more_images, start_from=parent, out=tmp_path / "child", seed=7)
    kept = checkpoints.load(child.checkpoints / "start.checkpoint").arrays
    network = dlmath.load(child).get_weights()[:-2]
    for number, array in enumerate(network):
        np.testing.assert_array_equal(array, kept[f"weights/{number}"])
    head = [dlmath.load(run).get_layer("logits").get_weights()[0] for run in (parent, child)]
    assert not np.array_equal(*head)
