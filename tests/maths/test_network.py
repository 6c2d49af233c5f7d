import tracemalloc

import numpy as np
import pytest

from dlmath import seeds
from dlmath.maths.network import (
    backward,
    cross_entropy,
    forward,
    initialised,
    softmax,
    stepped,
    towards,
)
from dlmath.maths.network_vectors import packed, packed_gradient, unpacked

NETWORK = initialised((3, 7, 2), "tanh", "test")
ROWS = seeds.generator("test", "rows").normal(size=(5, 3))


def test_forward_is_the_composition_of_its_layers():
    first, last = NETWORK
    expected = np.tanh(ROWS @ first.weights + first.bias) @ last.weights + last.bias
    np.testing.assert_allclose(forward(NETWORK, ROWS), expected)


def test_depth_and_widths_are_as_asked():
    assert [one.weights.shape for one in initialised((4, 9, 9, 1), "relu", 0)] == [
        (4, 9),
        (9, 9),
        (9, 1),
    ]


def test_the_gradient_of_the_input_is_the_last_signal():
    direction = seeds.generator("test", "direction").normal(size=ROWS.shape)
    signals = backward(NETWORK, ROWS, np.ones_like)[1]
    step = 1e-6 * direction
    change = forward(NETWORK, ROWS + step).sum() - forward(NETWORK, ROWS - step).sum()
    assert np.sum(signals[0] * direction) == pytest.approx(change / 2e-6, rel=1e-6)


def test_a_step_goes_against_the_gradient():
    gradients = backward(NETWORK, ROWS, lambda output: output)[0]
    before = np.sum(forward(NETWORK, ROWS) ** 2)
    after = np.sum(forward(stepped(NETWORK, gradients, 1e-3), ROWS) ** 2)
    assert after < before


def test_softmax_rows_sum_to_one_and_do_not_overflow():
    probabilities = softmax(np.array([[1e4, 0.0, -1e4], [1.0, 2.0, 3.0]]))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(probabilities[0], [1, 0, 0])


def test_cross_entropy_of_one_hot_labels_is_minus_the_log_of_the_true_class():
    probabilities = np.array([[0.2, 0.8], [0.5, 0.5]])
    labels = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert cross_entropy(probabilities, labels) == pytest.approx(-np.log([0.8, 0.5]).mean())


def test_parameters_as_a_vector_and_back():
    vector = packed(NETWORK)
    again = unpacked(vector, NETWORK)
    np.testing.assert_array_equal(packed(again), vector)
    assert [one.bias.shape for one in again] == [(7,), (2,)]
    gradients = backward(NETWORK, ROWS, np.ones_like)[0]
    assert packed_gradient(gradients).shape == vector.shape


def test_batches_need_less_memory_and_add_up_to_the_whole_gradient():
    rows = seeds.generator("test", "batches").normal(size=(4096, 3))

    def gradient(part: np.ndarray) -> tuple[np.ndarray, int]:
        tracemalloc.start()
        weights = backward(NETWORK, part, np.ones_like)[0][0][0]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return weights, peak

    whole, at_once = gradient(rows)
    parts, peaks = zip(*(gradient(part) for part in np.split(rows, 16)), strict=True)
    np.testing.assert_allclose(sum(parts), whole, rtol=1e-9)
    assert max(peaks) < at_once / 8


@pytest.mark.slow
def test_values_and_gradients_are_those_of_keras():
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Input((3,), dtype="float64"),
            keras.layers.Dense(7, activation="tanh", dtype="float64"),
            keras.layers.Dense(2, dtype="float64"),
        ]
    )
    model.set_weights([part for one in NETWORK for part in (one.weights, one.bias)])
    labels = np.eye(2)[[0, 1, 1, 0, 1]]
    with tf.GradientTape() as tape:
        logits = model(ROWS)
        loss = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
    theirs = tape.gradient(loss, model.trainable_variables)
    ours = backward(NETWORK, ROWS, lambda output: softmax(output) - labels)[0]
    np.testing.assert_allclose(forward(NETWORK, ROWS), logits, rtol=1e-10)
    for mine, tapes in zip([part for pair in ours for part in pair], theirs, strict=True):
        np.testing.assert_allclose(mine, tapes, rtol=1e-8, atol=1e-12)


def test_the_gradient_at_the_logits_is_that_of_the_mean_cross_entropy():
    rng = seeds.generator("test", "towards")
    logits, direction = rng.normal(size=(2, 5, 3))
    labels = np.eye(3)[rng.integers(3, size=5)]
    up, down = (cross_entropy(softmax(logits + h * direction), labels) for h in (1e-5, -1e-5))
    found = np.sum(towards(labels)(logits) * direction)
    assert found == pytest.approx((up - down) / 2e-5, rel=1e-6)
