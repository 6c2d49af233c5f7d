import numpy as np
import pytest
import tensorflow as tf

from dlmath import layers


@pytest.fixture
def network():
    """x, W, b and the gradient G of a scalar function F of relu(x W + b), for 4 samples."""
    rng = np.random.default_rng(0)
    x, W, b = rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=5)
    return x, W, b, rng.normal(size=(4, 5))


def test_upstream_relu_dense_has_the_gradients_of_the_docstring(network):
    x, W, b, G = network
    layer = layers.Dense(5, activation="relu", dtype="float64")
    layer.build(x.shape)
    layer.kernel.assign(W)
    layer.bias.assign(b)
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    found = tape.gradient(
        y, [x, layer.kernel.value, layer.bias.value], output_gradients=tf.constant(G)
    )
    delta = G * (np.asarray(x) @ W + b > 0)
    expected = [delta @ W.T, np.asarray(x).T @ delta, delta.sum(axis=0)]
    for name, ours, theirs in zip(("x", "W", "b"), found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, err_msg=f"dF/d{name}")


def test_one_column_of_the_weights_sees_the_indicator_of_its_own_unit(network):
    # Jiang's formula for d(ReLU_j o L_j)/dw carries the indicators of all units instead.
    x, W, b, _ = network
    sample = x[:1]
    z = (sample @ W + b)[0]
    for j in range(5):
        g = np.eye(5)[[j]]
        column = _kernel_gradient(sample, W, b, g)[:, j]
        np.testing.assert_allclose(column, (z[j] > 0) * sample[0], rtol=1e-12)


def _kernel_gradient(x, W, b, g):
    layer, relu = layers.Dense(5), layers.ReLU()
    z, cache = layer.forward(tf.constant(x), tf.constant(W), tf.constant(b))
    _, mask = relu.forward(z)
    return layer.backward(cache, relu.backward(mask, tf.constant(g))["x"])["kernel"].numpy()


def test_softmax_regression_has_the_gradient_of_the_paper(network):
    x, W, b, _ = network
    Y = np.eye(5)[[0, 3, 3, 1]]
    kernel, x_tensor = tf.Variable(W), tf.constant(x)
    loss = layers.losses.CategoricalCrossentropy(from_logits=True, dtype="float64")
    layer = layers.Dense(5)
    with tf.GradientTape() as tape:
        values = {"x": x_tensor, "kernel": tf.convert_to_tensor(kernel), "bias": tf.constant(b)}
        z, _ = layer.differentiable(values)
        value = loss(Y, z)
    S = tf.nn.softmax(x @ W + b).numpy()
    np.testing.assert_allclose(tape.gradient(value, kernel), x.T @ (S - Y) / 4, rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"units": 0}, r"`units` must be a whole number >= 1\. Received: units=0"),
        ({"units": 2.5}, "`units` must be a whole number"),
        ({"units": None}, r"`units` must be a whole number >= 1\. Received: units=None"),
        ({"units": 2, "activation": "rleu"}, r"Did you mean 'relu'\?"),
        ({"units": 2, "unit": 3}, r"`unit`\. Received: unit=3.*Did you mean 'units'\?"),
        ({"units": 2, "kernel_constraint": "non_neg"}, r"Use keras\.layers\.Dense for it"),
    ],
)
def test_bad_arguments_are_refused_with_what_was_given(given, message):
    with pytest.raises(ValueError, match=message):
        layers.Dense(**given)


def test_an_argument_of_keras_at_its_default_asks_for_nothing():
    assert layers.Dense(2, kernel_constraint=None, lora_rank=None).units == 2


def test_regularizers_of_ours_add_to_the_loss_of_the_layer():
    layer = layers.Dense(2, kernel_regularizer="l2", bias_regularizer=layers.regularizers.L1(0.5))
    layer(np.ones((1, 3), "float32"))
    expected = 0.01 * np.sum(layer.kernel.numpy() ** 2)
    assert isinstance(layer.kernel_regularizer, layers.regularizers.L2)
    np.testing.assert_allclose(sum(layer.losses), expected, rtol=1e-6)
