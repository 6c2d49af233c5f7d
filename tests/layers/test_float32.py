"""Values and slopes in float32 against float64, entry by entry, however small the entry.

The expected values are written with functions that do not cancel (`scipy.special.expit`, `ndtr`,
`log1p`) in float64, on the float32 numbers. A bound is in roundings (2^-24) of each entry times
its condition number: the relative change that one rounding of the argument brings about.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, ndtr

from dlmath.layers import activations, cancellation, loss_functions

ROUNDING = 2.0**-24
HALF = np.geomspace(1e-3, 80, 300)
X = np.concatenate([-HALF[::-1], HALF]).astype("float32")
GELU = X[np.abs(X) <= 13]  # further left it is below what float32 holds
LOGITS = np.geomspace(1e-3, 80, 60).astype("float32")


def passes(function, *values, upstream=None):
    """The outputs and gradients in float32, as float64."""
    tensors = [tf.constant(value, tf.float32) for value in values]
    y, cache = function.forward(*tensors)
    g = tf.ones_like(y) if upstream is None else tf.constant(upstream, tf.float32)
    gradients = function.backward(cache, g)
    return np.asarray(y, float), {n: np.asarray(one, float) for n, one in gradients.items()}


def assert_within(roundings, found, expected, condition=1.0):
    allowed = roundings * ROUNDING * condition * np.abs(expected)
    worst = np.argmax(np.abs(found - expected) - allowed)
    np.testing.assert_array_less(
        np.abs(found - expected), allowed + 1e-37, err_msg=f"worst entry {worst}"
    )


def slope_of(name, x):
    return passes(activations.ACTIVATIONS[name], x)[1]["x"]


def test_the_slope_of_the_sigmoid_does_not_vanish():
    x = X.astype(float)
    assert_within(8, slope_of("sigmoid", X), expit(x) * expit(-x), 1 + np.abs(x))
    assert slope_of("sigmoid", np.float32(80.0)) == pytest.approx(1.8e-35, rel=0.01)


def test_the_slope_of_tanh_does_not_vanish():
    x = X.astype(float) / 2
    expected = 4 * np.exp(-2 * np.abs(x)) / (1 + np.exp(-2 * np.abs(x))) ** 2
    assert_within(8, slope_of("tanh", X / 2), expected, 1 + np.abs(x))


def test_gelu_does_not_cancel_on_the_left():
    x = GELU.astype(float)
    phi = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    y, gradients = passes(activations.Gelu(), GELU)
    assert_within(8, y, x * ndtr(x), 1 + x * x)
    # The slope is a sum of two terms that cancel at its zero, x = -0.75.
    found, expected = gradients["x"], ndtr(x) + x * phi
    assert_within(8, found - expected + ndtr(x), ndtr(x), (1 + x * x) * (1 + np.abs(x)))


def test_gelu_is_that_of_keras_over_the_whole_range():
    keras_y = keras.activations.gelu(tf.constant(GELU), approximate=False).numpy()
    y, _ = passes(activations.Gelu(), GELU)
    x = GELU.astype(float)
    assert_within(16, y, keras_y.astype(float), 1 + x * x)
    assert passes(activations.Gelu(), np.float32(-5.5))[0] == pytest.approx(-1.044e-7, rel=1e-3)


def test_silu_keeps_its_digits_on_both_sides():
    x = X.astype(float)
    y, gradients = passes(activations.Silu(), X)
    assert_within(8, y, x * expit(x), 1 + np.abs(x))
    terms = expit(x) * (1 + np.abs(x) * expit(-x))  # they cancel at x = -1.28, and only there
    expected = expit(x) + x * expit(x) * expit(-x)
    assert_within(8, gradients["x"] - expected + terms, terms, 1 + np.abs(x))


def two_classes(t):
    """Logits (t, 0) for each t."""
    return np.stack([t, np.zeros_like(t)], axis=-1)


def test_softmax_has_a_gradient_for_a_class_that_is_certain():
    t = LOGITS.astype(float)
    upstream = np.tile([3.0, 1.0], (len(t), 1))
    _, gradients = passes(activations.Softmax(), two_classes(LOGITS), upstream=upstream)
    expected = 2 * expit(t) * expit(-t)  # S_1 S_2 (g_1 - g_2)
    assert_within(16, gradients["x"], np.stack([expected, -expected], -1), 1 + t[:, None])


@pytest.mark.parametrize("sign", [1, -1], ids=["right", "wrong"])
def test_cross_entropy_on_logits_is_not_rounded_to_nothing(sign):
    t = LOGITS.astype(float)
    truth = np.tile([1.0, 0.0], (len(t), 1))
    y, gradients = passes(loss_functions.SoftmaxCrossEntropy(), truth, two_classes(sign * LOGITS))
    loss = np.log1p(np.exp(-t)) + (0 if sign == 1 else t)
    assert_within(8, y, loss, 1 + t)
    slope = expit(-sign * t)
    assert_within(16, gradients["y_pred"], np.stack([-slope, slope], -1), 1 + t[:, None])


@pytest.mark.parametrize("truth", [0.0, 1.0])
def test_binary_cross_entropy_on_logits_is_not_rounded_to_nothing(truth):
    z = X.astype(float)
    y, gradients = passes(
        loss_functions.SigmoidCrossEntropy(), np.full_like(X, truth)[:, None], X[:, None]
    )
    away = z if truth == 0 else -z
    assert_within(8, y, np.log1p(np.exp(-np.abs(z))) + np.maximum(away, 0), 1 + np.abs(z))
    expected = expit(z) if truth == 0 else -expit(-z)
    assert_within(8, gradients["y_pred"][:, 0], expected, 1 + np.abs(z))


def test_binary_cross_entropy_keeps_the_digits_of_small_probabilities():
    p = np.geomspace(1e-6, 0.5, 200).astype("float32")
    q = p.astype(float)
    y, gradients = passes(
        loss_functions.BinaryCrossEntropy(), np.zeros_like(p)[:, None], p[:, None]
    )
    assert_within(8, y, -np.log1p(-q))
    assert_within(8, gradients["y_pred"][:, 0], 1 / (1 - q))


def test_categorical_cross_entropy_keeps_the_digits_of_an_answer_that_is_nearly_certain():
    small = np.geomspace(1e-6, 0.4, 200).astype("float32")
    p = np.stack([np.float32(1) - small, small], -1)
    exact = p.astype(float)
    total = exact.sum(-1)
    y, gradients = passes(
        loss_functions.CategoricalCrossEntropy(), np.tile([1.0, 0.0], (len(p), 1)), p
    )
    assert_within(8, y, -np.log1p(-exact[:, 1] / total))
    # d/dp_1 of log(p_1 + p_2) - log p_1, and d/dp_2.
    expected = np.stack([-exact[:, 1] / exact[:, 0] / total, 1 / total], -1)
    assert_within(16, gradients["y_pred"], expected)


def test_the_sum_of_others_and_the_centring_have_their_derivatives_at_ties_too():
    x = tf.constant([[2.0, 2.0, 1.0], [3.0, 0.5, 1.5]], tf.float64)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        others = cancellation.sum_of_others(x, -1)
    np.testing.assert_allclose(others, [[3, 3, 4], [2, 4.5, 3.5]], rtol=1e-15)
    jacobian = tape.jacobian(others, x, experimental_use_pfor=False)
    for sample in range(2):
        np.testing.assert_allclose(jacobian[sample, :, sample], 1 - np.eye(3), atol=1e-15)

    shares, g = x / tf.reduce_sum(x, axis=-1, keepdims=True), tf.constant([[1.0, -2.0, 5.0]] * 2)
    g = tf.cast(g, tf.float64)
    plain = g - tf.reduce_sum(shares * g, axis=-1, keepdims=True)
    np.testing.assert_allclose(cancellation.centred(g, shares, -1), plain, rtol=1e-14)


def test_cross_entropy_has_its_second_derivatives_where_all_logits_are_equal():
    z = tf.zeros((1, 3), tf.float64)
    truth = tf.constant([[1.0, 0.0, 0.0]], tf.float64)
    loss = loss_functions.SoftmaxCrossEntropy()
    for function in (loss, lambda y, p: loss.forward(y, p)[0]):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(z)
            with tf.GradientTape() as inner:
                inner.watch(z)
                value = function(truth, z)
            slope = inner.gradient(value, z)
        hessian = outer.jacobian(slope, z, experimental_use_pfor=False)[0, :, 0]
        np.testing.assert_allclose(hessian, np.eye(3) / 3 - np.ones((3, 3)) / 9, atol=1e-15)
