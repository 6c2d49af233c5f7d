from pathlib import Path

import keras
import numpy as np
import pytest

from dlmath.data.sources import ImageRecord
from dlmath.errors import DivergedError
from dlmath.features.extract import Features
from dlmath.recipe import Recipe
from dlmath.training.divergence import check_finite, explained, likely_cause
from dlmath.training.loop import Position

RECIPE = Recipe(name="test", batch_size=2, learning_rate=0.5)
EXAMPLES = [ImageRecord(f"{n}.png", Path(f"{n}.png"), "a", None, None, "") for n in range(6)]


def model(bias=0.0):
    images = keras.Input((3,))
    network = keras.Model(images, keras.layers.Dense(2, name="logits")(images))
    network.get_layer("logits").bias.assign([bias, 0.0])
    return network


def test_the_batch_and_the_weights_are_named():
    position = Position(1, 3)
    error = explained(
        DivergedError("The loss became nan."), model(np.nan), EXAMPLES, RECIPE, position
    )

    said = str(error)
    assert said.startswith("The loss became nan. The batch of that step is of 2 images: ")
    assert said.count(".png") == 2
    assert "The weights of 1 of 2 layers are not finite any more." in said
    assert "--learning-rate 0.05" in said
    assert error.exit_code == 3


def test_at_the_end_of_an_epoch_its_last_batch_is_named():
    inside = explained(DivergedError("x"), model(), EXAMPLES, RECIPE, Position(1, 3))
    after = explained(DivergedError("x"), model(), EXAMPLES, RECIPE, Position(2, 0))
    assert str(after) == str(inside)


def test_finite_weights_are_said_to_be_so():
    error = explained(DivergedError("x"), model(), EXAMPLES, RECIPE, Position(0, 2))
    assert "The weights are still finite." in str(error)


@pytest.mark.parametrize(
    ("changes", "position", "says"),
    [
        ({"precision": "float16"}, Position(2, 5), "65,504"),
        ({"weights": "none"}, Position(0, 1), "in the first step"),
        ({"weights": "none"}, Position(0, 2), "gradients that explode"),
        ({"weights": "imagenet"}, Position(0, 2), "warmup_epochs=1"),
        ({"weights": "imagenet", "warmup_epochs": 1}, Position(0, 2), "explode"),
    ],
)
def test_the_likely_cause_fits_the_case(changes, position, says):
    cause = likely_cause(RECIPE.replace(**changes), position)
    assert says in cause
    assert cause.startswith("Likely cause: ")
    assert "--learning-rate 0.05" in cause


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_features_that_are_no_numbers_are_refused(value):
    array = np.ones((6, 4), np.float32)
    array[[1, 4], 2] = value
    features = Features(array, tuple(EXAMPLES), (), 0, None)
    with pytest.raises(DivergedError, match=r"2 of 6 images: 1\.png, 4\.png.*--weights"):
        check_finite(features, "features of training images", RECIPE)


def test_large_features_are_numbers():
    largest = np.full((6, 4), np.finfo(np.float32).max, np.float32)
    check_finite(Features(largest, tuple(EXAMPLES), (), 0, None), "x", RECIPE)
