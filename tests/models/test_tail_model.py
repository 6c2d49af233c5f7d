"""A classifier cut in two computes what it computed whole, and trains the same variables."""

import keras
import numpy as np
import pytest

from dlmath.models import build
from dlmath.models.backbones import BACKBONES
from dlmath.models.tail_model import split_at_tail
from dlmath.recipe import Recipe

NAMES = list(BACKBONES)


def built(name, **settings):
    size = max(BACKBONES[name].smallest_size, 32)
    recipe = Recipe(
        name="x",
        classes=("a", "b"),
        backbone=name,
        weights="none",
        tune="tail",
        image_size=size,
        **settings,
    )
    return recipe, build(recipe)


@pytest.fixture(params=NAMES, scope="module")
def cut(request):
    recipe, model = built(request.param)
    pixels = np.random.default_rng(0).uniform(0, 255, (3, recipe.image_size, recipe.image_size, 3))
    return model, split_at_tail(model, recipe), pixels.astype(np.float32)


def test_trunk_and_tail_are_the_classifier(cut):
    model, parts, pixels = cut

    row = np.asarray(parts.trunk(pixels, training=False))
    activations = row.reshape(3, *parts.tail.input_shape[1:])

    assert row.ndim == 2
    wanted = np.asarray(model(pixels, training=False))
    np.testing.assert_array_equal(np.asarray(parts.tail(activations, training=False)), wanted)
    logits = np.asarray(parts.logits(activations, training=False))
    np.testing.assert_allclose(np.asarray(keras.ops.softmax(logits)), wanted, atol=1e-6)


def test_all_that_is_trained_is_in_the_tail(cut):
    model, parts, _ = cut

    assert {id(v) for v in parts.logits.trainable_variables} == {
        id(v) for v in model.trainable_variables
    }
    both = [*parts.trunk.variables, *parts.logits.variables]
    assert {id(v) for v in both} == {id(v) for v in model.variables}


def test_a_step_of_training_leaves_the_trunk_as_it_is(cut):
    """Its batch normalisation too, whose statistics would move in training mode elsewhere."""
    _, parts, pixels = cut
    before = [np.array(v) for v in parts.trunk.variables]

    training = np.asarray(parts.trunk(pixels, training=True))

    np.testing.assert_array_equal(training, np.asarray(parts.trunk(pixels, training=False)))
    for variable, value in zip(parts.trunk.variables, before, strict=True):
        np.testing.assert_array_equal(np.array(variable), value)


@pytest.mark.parametrize("name", [name for name, one in BACKBONES.items() if one.is_whole])
def test_layers_with_derived_gradients_are_cut_alike(name):
    recipe, model = built(name, layers="scratch")
    pixels = np.full((2, 32, 32, 3), 100, np.float32)

    parts = split_at_tail(model, recipe)

    row = np.asarray(parts.trunk(pixels, training=False))
    activations = row.reshape(2, *parts.tail.input_shape[1:])
    wanted = np.asarray(model(pixels, training=False))
    np.testing.assert_array_equal(np.asarray(parts.tail(activations, training=False)), wanted)
