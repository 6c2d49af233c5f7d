import os
import shutil
import signal

import pytest

import dlmath
from dlmath.errors import DataError, RunError, Stopped
from dlmath.evaluation import evaluate
from dlmath.reporting import Reporter
from dlmath.runs import Run, read_json, write_json
from dlmath.training import reproduce
from dlmath.training.model_files import write_model

STEPPED = {
    "head_solver": "sgd",
    "l2": 0.0,
    "epochs": 2,
    "batch_size": 8,
    "mixup": 0.2,
    "rotation": 10.0,
}


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    return draw_squares(tmp_path_factory.mktemp("images"), {"dark": 90, "bright": 170})


@pytest.fixture(
    scope="module",
    params=[{}, pytest.param(STEPPED, marks=pytest.mark.slow)],
    ids=["solved", "by steps"],
)
def finished(images, squares_recipe, tmp_path_factory, request):
    out = tmp_path_factory.mktemp("runs") / "first"
    return dlmath.train(squares_recipe.replace(**request.param), images, out=out)


@pytest.fixture
def copy(finished, tmp_path):
    """A copy to change, as far from its data as the first was."""
    return Run(shutil.copytree(finished.folder, finished.folder.parent / tmp_path.name))


def changed(found):
    return {comparison.name for comparison in found if not comparison.same}


def test_a_run_comes_out_again_bit_by_bit_with_the_test_part_closed(copy):
    evaluate(copy)
    again = reproduce(copy)
    assert again.is_same
    assert changed(again.conditions) == set()
    assert again.largest_difference == 0
    assert again.run.folder == copy.folder.resolve().with_name(f"{copy.name}-reproduced")
    assert not again.run.metrics_path.exists()
    assert read_json(again.run.folder / "reproduction.json") == again.as_json()


def test_other_weights_and_other_versions_are_named(copy):
    model = dlmath.load(copy)
    kernel, bias = model.get_layer("logits").get_weights()
    kernel[0, 0] += 0.25
    model.get_layer("logits").set_weights([kernel, bias])
    write_model(copy, model)
    manifest = copy.manifest
    manifest["versions"]["keras"] = "0.0"
    manifest["best"]["val_auc"] += 1e-9
    write_json(copy.manifest_path, manifest)

    again = reproduce(copy)
    assert not again.is_same
    assert changed(again.results) == {"best", "weights sha256"}
    assert changed(again.conditions) == {"versions"}
    assert again.largest_difference == pytest.approx(0.25, rel=1e-6)


class SignalAt(Reporter):
    """Sends this process SIGTERM at the first progress of a task."""

    def __init__(self, task):
        self.task = task

    def progress(self, task, done, total, note=""):
        if task.startswith(self.task):
            self.task = "only once"
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.parametrize("finished", [STEPPED], indirect=True, ids=["by steps"])
def test_an_interrupted_reproduction_goes_on(copy):
    with pytest.raises(Stopped):
        reproduce(copy, reporter=SignalAt("epoch"))
    assert reproduce(copy).is_same


def test_what_cannot_be_reproduced_is_refused(copy, images, tmp_path):
    copy.update_manifest(state="stopped")
    with pytest.raises(RunError, match="Only a finished run"):
        reproduce(copy)
    copy.update_manifest(state="finished")
    with pytest.raises(RunError, match="must be absent or empty"):
        reproduce(copy, out=copy.folder)
    other = shutil.copytree(images, tmp_path / "other")
    shutil.copy(other / "dark" / "p0_0.png", other / "dark" / "p0_1.png")
    with pytest.raises(DataError):
        reproduce(copy, other, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
