import numpy as np
import pytest
import tensorflow as tf

from dlmath.layers import Layer, Pair


def cube_forward(x):
    return x**3, x


def cube_backward(x, g):
    return {"x": 3 * x**2 * g}


def test_a_pair_is_differentiated_by_its_backward_even_where_that_is_wrong():
    wrong = Pair(cube_forward, lambda x, g: {"x": 7 * g})
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = wrong(x)
    np.testing.assert_array_equal(y, [1, 8])
    np.testing.assert_array_equal(tape.gradient(y, x), [7, 7])


@pytest.mark.parametrize("traced", [False, True])
def test_derivatives_of_any_order_come_through_the_cache(traced):
    cube = Pair(cube_forward, cube_backward)

    def three(x):
        with tf.GradientTape() as third:
            third.watch(x)
            with tf.GradientTape() as second:
                second.watch(x)
                with tf.GradientTape() as first:
                    first.watch(x)
                    y = cube(x)
                dy = first.gradient(y, x)
            ddy = second.gradient(dy, x)
        return dy, ddy, third.gradient(ddy, x)

    run = tf.function(three) if traced else three
    np.testing.assert_allclose(run(tf.constant(2.0)), [12, 12, 6])


def test_several_outputs_take_several_upstream_gradients():
    pair = Pair(
        lambda x, w: ((x * w, x + w), (x, w)),
        lambda cache, g, h: {"x": g * cache[1] + h, "w": g * cache[0] + h},
    )
    x, w = tf.constant(2.0), tf.constant(5.0)
    with tf.GradientTape() as tape:
        tape.watch([x, w])
        product, total = pair(x, w)
        y = 3 * product + 7 * total
    np.testing.assert_allclose(tape.gradient(y, [x, w]), [3 * 5 + 7, 3 * 2 + 7])


def test_a_missing_gradient_is_named():
    pair = Pair(lambda x, w: (x * w, w), lambda w, g: {"x": g * w})
    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = pair(x, x)
    with pytest.raises(ValueError, match=r"\['w'\] are missing. Received: \['x'\]"):
        tape.gradient(y, x)


class Scale(Layer):
    """The example of the docstring of `Layer`."""

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), name="factor")

    def forward(self, x, factor):
        return factor * x, (x, factor)

    def backward(self, cache, g):
        x, factor = cache
        return {"x": factor * g, "factor": tf.reduce_sum(g * x, axis=0)}


def test_the_layer_of_the_docstring_works_from_its_pair_alone():
    layer = Scale()
    x = tf.random.stateless_normal((4, 3), seed=(1, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    gradients = tape.gradient(y, [x, layer.factor.value])
    np.testing.assert_allclose(y, x * layer.factor.numpy())
    np.testing.assert_allclose(gradients[0], np.tile(layer.factor.numpy(), (4, 1)))
    np.testing.assert_allclose(gradients[1], np.sum(x, axis=0), rtol=1e-6)
