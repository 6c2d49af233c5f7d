from types import SimpleNamespace

import numpy as np
import pytest

from dlmath.data import pipeline
from dlmath.doctor import steps
from dlmath.recipe import Recipe

PLAIN = Recipe(name="test", classes=("a", "b"), image_size=8, tune="all")
DRAWING = (
    {"flip_horizontal": True},
    {"rotation": 5.0},
    {"mixup": 0.2},
    {"mixup": 0.2, "brightness": 0.1},
    {"cutmix": 1.0},
    {"mixup": 0.2, "cutmix": 1.0, "noise": 0.1, "stretch": 0.1},
)


def verdict(recipe):
    return steps.augmentation(SimpleNamespace(recipe=recipe))


def same_seeds(seed, purpose, epoch, count):
    return np.tile(np.array([seed, 1], np.int32), (count, 1))


@pytest.mark.parametrize("settings", DRAWING)
def test_what_is_drawn_anew_is_well(settings):
    assert verdict(PLAIN.replace(**settings)).word == "ok"


@pytest.mark.parametrize("settings", DRAWING)
def test_what_is_drawn_once_is_a_fault(settings, monkeypatch):
    monkeypatch.setattr(pipeline, "_step_seeds", same_seeds)
    found = verdict(PLAIN.replace(**settings))
    assert found.word == "fault"
    assert "the same numbers in two of 3 epochs" in found.found


def test_without_augmentation_there_is_nothing_to_check():
    assert verdict(PLAIN).word == "not applicable"
    assert verdict(PLAIN.replace(tune="head")).word == "not applicable"
