"""Trainings killed at random points, each in a process of its own, and gone on with to the end."""

import random
import shutil

import pytest

from dlmath.runs import Run
from tests.support import crashing

RECIPE = {
    "name": "small",
    "backbone": "malaria_cnn",
    "weights": "none",
    "tune": "all",
    "image_size": 8,
    "batch_size": 8,
    "epochs": 4,
    "patience": 3,
    "patient_rules": [r"^(?P<patient>p\d+)_"],
    "positive_class": "dark",
    "mixup": 0.2,
    "flip_horizontal": True,
    "rotation": 10.0,
    "ema": 0.9,
    "calibration": "temperature",
    "warmup_epochs": 1.0,
}
OTHERS = {
    "scratch": {"layers": "scratch", "ema": 0.0},
    "float16": {"precision": "float16", "ema": 0.0},
    "head by steps": {"tune": "head", "head_solver": "sgd"},
    "sgd": {"optimizer": "sgd", "schedule": "constant"},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.01, "label_smoothing": 0.1},
    "balanced": {"class_weights": "balanced", "mixup_per": "batch"},
}
KILLS = 10
SECONDS = 1.0  # that the epochs of this training take, about


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    means = {"dark": 90, "bright": 170}
    return draw_squares(tmp_path_factory.mktemp("images"), means, noise=60)


def killed_until_done(fork_server, folder, images, recipe, seed, kills=KILLS):
    """Kill a training so often, starting again when it got to its end, then let it finish."""
    chance, killed = random.Random(seed), 0
    while killed < kills:
        seconds = chance.uniform(0, SECONDS)
        code = fork_server.call("train_until_killed", str(folder), str(images), recipe, seconds)
        assert code in (0, -14)
        killed += code == -14
        if Run(folder).is_finished and killed < kills:
            yield folder
            shutil.rmtree(folder)
    assert fork_server.call("train", str(folder), str(images), recipe) == 0
    yield folder


@pytest.mark.slow
def test_ten_kills_change_no_bit(fork_server, images, tmp_path):
    assert fork_server.call("train", str(tmp_path / "whole"), str(images), RECIPE) == 0
    expected = crashing.result(Run(tmp_path / "whole"))
    assert any(name.startswith("state optimizer") for name in expected)
    for folder in killed_until_done(fork_server, tmp_path / "killed", images, RECIPE, seed=0):
        assert crashing.result(Run(folder)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_other_recipes_survive_kills_too(fork_server, images, name, tmp_path):
    recipe = {**RECIPE, **OTHERS[name]}
    assert fork_server.call("train", str(tmp_path / "whole"), str(images), recipe) == 0
    expected = crashing.result(Run(tmp_path / "whole"))
    killed = tmp_path / "killed"
    for folder in killed_until_done(fork_server, killed, images, recipe, seed=1, kills=5):
        assert crashing.result(Run(folder)) == expected


@pytest.mark.slow
def test_a_hundred_kills_change_no_bit(fork_server, images, tmp_path):
    recipe = {**RECIPE, "epochs": 12, "patience": 0}
    assert fork_server.call("train", str(tmp_path / "whole"), str(images), recipe) == 0
    expected = crashing.result(Run(tmp_path / "whole"))
    folder = tmp_path / "killed"
    for done in killed_until_done(fork_server, folder, images, recipe, seed=2, kills=100):
        assert crashing.result(Run(done)) == expected
