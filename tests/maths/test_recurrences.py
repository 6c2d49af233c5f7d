"""Recurrent cells in NumPy: the numbers and the gradients of the project's own layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import layers, seeds
from dlmath.maths.differences import complex_step
from dlmath.maths.recurrences import CELLS, drawn, jacobians, through_time, unrolled

LAYERS = {
    "simple": ("SimpleRNN", {}),
    "LSTM": ("LSTM", {}),
    "GRU": ("GRU", {"reset_after": False}),
    "GRU, reset after": ("GRU", {"reset_after": True}),
}
T, D, U = 5, 2, 3


def problem(name):
    rng = seeds.generator("test", "recurrences", name)
    cell = CELLS[name]
    xs, first = rng.normal(size=(T, D)), rng.normal(size=cell.parts * U)
    return cell, drawn(cell, D, U, rng), xs, first, rng.normal(size=(T, U))


@pytest.mark.parametrize("name", CELLS)
def test_states_and_gradients_are_those_of_the_layer(name):
    cell, weights, xs, first, g = problem(name)
    kind, arguments = LAYERS[name]
    layer = getattr(layers, kind)(U, return_sequences=True, dtype="float64", **arguments)
    initial = [tf.constant(one[np.newaxis]) for one in np.split(first, cell.parts)]
    x = tf.constant(xs[np.newaxis])
    layer(x, initial_state=initial)
    layer.set_weights(weights)
    with tf.GradientTape() as tape:
        tape.watch([x, *initial])
        outputs = layer(x, initial_state=initial)
        loss = tf.reduce_sum(outputs * g)
    sources = [x, *initial, *(one.value for one in layer.trainable_variables)]
    in_x, *rest = tape.gradient(loss, sources)
    states = unrolled(cell, xs, first, weights)
    upstream = np.zeros_like(states)
    upstream[1:, :U] = g
    of_x, of_states, of_weights = through_time(cell, xs, states, weights, upstream)

    np.testing.assert_allclose(states[1:, :U], outputs[0], rtol=1e-12)
    np.testing.assert_allclose(of_x, in_x[0], rtol=1e-11)
    in_first = np.concatenate([one[0] for one in rest[: cell.parts]])
    np.testing.assert_allclose(of_states[0], in_first, rtol=1e-11)
    for found, wanted in zip(of_weights, rest[cell.parts :], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", CELLS)
def test_jacobians_are_the_derivatives_of_a_step(name):
    cell, weights, xs, first, _ = problem(name)
    states = unrolled(cell, xs, first, weights)
    found = jacobians(cell, xs, states, weights)

    for x, state, jacobian in zip(xs, states[:-1], found, strict=True):
        wanted = complex_step(lambda s, x=x: cell.step(x, s, weights), state).T
        np.testing.assert_allclose(jacobian, wanted, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("library", [layers, keras.layers])
@pytest.mark.parametrize(("inputs", "units"), [(1, 1), (7, 3), (4, 16)])
def test_a_gru_has_three_quarters_of_the_weights_of_an_lstm(library, inputs, units):
    def count(kind, **arguments):
        layer = getattr(library, kind)(units, **arguments)
        layer.build((None, None, inputs))
        return layer.count_params()

    lstm = count("LSTM")
    assert lstm == 4 * units * (inputs + units + 1)
    assert 4 * count("GRU", reset_after=False) == 3 * lstm
    assert count("GRU", reset_after=True) == count("GRU", reset_after=False) + 3 * units


def test_complex_steps_are_exact_to_rounding():
    point = np.array([[0.3, -2.0], [1.0, 0.1]])

    np.testing.assert_allclose(complex_step(np.sum, point), np.ones((2, 2)))
    of_all = complex_step(lambda z: np.sin(z[0]) * z[1], point)
    wanted = np.zeros((2, 2, 2))
    for place in range(2):
        wanted[0, place, place] = np.cos(point[0, place]) * point[1, place]
        wanted[1, place, place] = np.sin(point[0, place])
    np.testing.assert_allclose(of_all, wanted, rtol=1e-15, atol=1e-300)
