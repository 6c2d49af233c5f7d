"""`dlmath train` of the tasks that ship, on small drawn images."""

import pytest
from typer.testing import CliRunner

from dlmath.cli.main import app
from dlmath.data.phantom import write_phantoms
from dlmath.models import RECIPES, other_recipe
from dlmath.runs import Run


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """Folders of few and small drawn images, by task."""
    root = tmp_path_factory.mktemp("phantoms")
    return {
        task: write_phantoms(task, root / task, patients=16, image_size=64)
        for task in ("pneumonia", "malaria")
    }


def trained(task, data, out, *options):
    """Return the run that the command makes."""
    words = ["train", task, "--data", str(data), "--out", str(out), *options]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{out}\n"
    return Run(out)


def test_the_papers_recipe_is_trained_by_its_name(phantoms, tmp_path):
    small = ("--epochs", "1", "--image-size", "16")
    run = trained("malaria", phantoms["malaria"], tmp_path / "run", "--recipe", "paper", *small)

    assert run.is_finished
    assert run.recipe == other_recipe("malaria", "paper").replace(epochs=1, image_size=16)
    assert run.recipe.backbone == "malaria_cnn"


@pytest.mark.slow
@pytest.mark.parametrize("task", ["pneumonia", "malaria"])
def test_the_default_trains_the_cached_tail(phantoms, tmp_path, task):
    small = ("--epochs", "1", "--image-size", "64")
    run = trained(task, phantoms[task], tmp_path / "run", *small)

    assert run.recipe == RECIPES[task].replace(epochs=1, image_size=64)
    assert (run.recipe.backbone, run.recipe.tune) == ("efficientnet_lite0", "tail")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["pneumonia", "malaria"])
def test_only_the_head_of_the_default_is_solved_on_its_augmented_views(phantoms, tmp_path, task):
    run = trained(task, phantoms[task], tmp_path / "run", "--tune", "head", "--image-size", "64")

    assert run.recipe == RECIPES[task].replace(tune="head", image_size=64)
    assert run.recipe.augmented_views > 0
    assert run.manifest["head"]["solver"] == "exact"
    assert "images" not in run.manifest["threshold"]  # chosen on plain ones: it has no composites
