import math

import numpy as np
import pytest
import tensorflow as tf

from dlmath.gradcheck.differentiable import Differentiable, random_upstream
from dlmath.gradcheck.precision import Float32
from dlmath.layers import Pair
from dlmath.layers.activations import Gelu, Sigmoid

SIZES = np.geomspace(0.01, 12, 20)
X = np.stack([SIZES, -SIZES], axis=1).reshape(8, 5)  # both signs in every sample


def error_of(pair, x=X, *, lenient=False, reference=None):
    subject = Differentiable(pair, {"x": tf.constant(x)}, reference=reference, lenient=lenient)
    random = np.random.default_rng(0)
    return Float32(subject, random_upstream(subject, random), random).errors()["x"]


def gelu_by_sum(x):
    return 0.5 * x * (1 + tf.math.erf(x / math.sqrt(2)))


def slope_by_sum(x, g):
    density = tf.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return {"x": g * (0.5 * (1 + tf.math.erf(x / math.sqrt(2))) + x * density)}


BY_SUM = Pair(lambda x: (gelu_by_sum(x), x), slope_by_sum)
BY_PRODUCT = Pair(
    lambda x: (tf.math.sigmoid(x),) * 2,
    lambda s, g: {"x": g * s * (1 - s)},
)


@pytest.mark.parametrize("pair", [Gelu(), Sigmoid()])
def test_what_does_not_cancel_is_explained_by_the_rounding_of_the_inputs(pair):
    assert error_of(pair) < 0.5


@pytest.mark.parametrize("pair", [BY_SUM, BY_PRODUCT])
def test_what_cancels_is_not(pair):
    assert error_of(pair) > 10


def test_a_users_own_layer_may_lose_what_the_tape_through_it_loses():
    assert error_of(BY_PRODUCT, lenient=True) < 1
    assert error_of(BY_SUM, lenient=True) < 1


def test_it_may_not_lose_what_its_reference_keeps():
    reference = lambda x: 0.5 * x * tf.math.erfc(-x / math.sqrt(2))  # noqa: E731
    assert error_of(BY_SUM, lenient=True, reference=reference) > 10


def test_a_sum_that_cancels_because_of_its_inputs_may_lose_its_digits():
    difference = Pair(
        lambda x: (tf.reduce_sum(x, axis=1), x),
        lambda x, g: {"x": tf.expand_dims(g, 1) * tf.ones_like(x)},
    )
    assert error_of(difference, np.array([[1e6, 1e-3, -1e6], [3.3, -1.1, -2.2]])) < 0.5


def test_entries_far_below_the_others_are_compared_too():
    dropped = Pair(
        lambda x: (tf.exp(x), x),
        lambda x, g: {"x": tf.where(x > -40, g * tf.exp(x), tf.zeros_like(x))},
    )
    x = np.array([[1.0, -30.0], [-50.0, 2.0]])
    whole = Pair(lambda x: (tf.exp(x), x), lambda x, g: {"x": g * tf.exp(x)})
    assert error_of(whole, x) < 0.5
    subject = Differentiable(whole, {"x": tf.constant(x)})
    random = np.random.default_rng(0)
    evidence = Float32(subject, random_upstream(subject, random), random)
    evidence.twin = Differentiable(dropped, evidence.twin.tensors)
    assert evidence.errors()["x"] > 1e3


def test_what_float32_cannot_hold_is_not_judged_and_float64_is_no_float32():
    exponential = Pair(lambda x: (tf.exp(x),) * 2, lambda y, g: {"x": g * y})
    assert error_of(exponential, np.array([[1.0, 100.0]])) < 0.5
    cast = Pair(lambda x: (tf.cast(x, "float64"), x), lambda x, g: {"x": tf.cast(g, x.dtype)})
    assert error_of(cast) == np.inf
