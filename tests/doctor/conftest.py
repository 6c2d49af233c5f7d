"""Runs that are well, made once, and copies of them to break."""

import shutil
from pathlib import Path

import pytest

import dlmath
from dlmath import models
from dlmath.runs import Run


@pytest.fixture(scope="session")
def _well(draw_squares, squares_recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("well")
    data = draw_squares(folder / "data", {"dark": 60, "light": 190}, patients=80, images=1)
    recipe = squares_recipe.replace(
        tune="all",
        l2=0.0,
        epochs=3,
        batch_size=8,
        learning_rate=0.01,
        flip_horizontal=True,
        rotation=10.0,
        dropout=0.2,
    )
    run = dlmath.train(recipe, data, out=folder / "runs" / "well")
    dlmath.evaluate(run)
    return folder


@pytest.fixture
def well(_well, tmp_path):
    """A trained and evaluated run of a plain chain of layers, a copy for each test."""
    shutil.copytree(_well, tmp_path / "well")
    return Run(tmp_path / "well" / "runs" / "well")


@pytest.fixture(scope="session")
def _frozen(_well, tmp_path_factory):
    """A run on a MobileNetV2 of which nothing was trained, written rather than trained."""
    from dlmath.training.model_files import write_model

    folder = tmp_path_factory.mktemp("frozen")
    shutil.copytree(_well, folder, dirs_exist_ok=True)
    run = Run(folder / "runs" / "well")
    begins = run.recipe.replace(
        backbone="mobilenet_v2_035", weights="none", tune="head", head_solver="sgd", image_size=32
    )
    path = folder / "pretrained.weights.h5"
    models.build(begins).get_layer("backbone").save_weights(path)
    recipe = begins.replace(weights=str(path))
    run.recipe_path.write_text(recipe.to_toml(), encoding="utf-8")
    write_model(run, models.build(recipe))
    return folder


@pytest.fixture
def frozen(_frozen, tmp_path):
    """A copy of that run."""
    shutil.copytree(_frozen / "runs", tmp_path / "frozen" / "runs")
    return Run(Path(tmp_path) / "frozen" / "runs" / "well")
