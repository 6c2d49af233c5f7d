import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import layers
from dlmath.layers import activations


def derivative(function, x):
    x = tf.constant(x, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x).numpy()


@pytest.mark.parametrize(
    ("ours", "tensorflows", "kinks"),
    [
        (activations.Relu(), tf.nn.relu, [0.0]),
        (activations.Relu(max_value=6.0), tf.nn.relu6, [0.0, 6.0]),
        (activations.Relu(negative_slope=0.25), lambda x: tf.nn.leaky_relu(x, 0.25), [0.0]),
    ],
    ids=["relu", "relu6", "leaky"],
)
def test_at_its_kinks_relu_has_the_derivative_of_tensorflow(ours, tensorflows, kinks):
    np.testing.assert_array_equal(derivative(ours, kinks), derivative(tensorflows, kinks))
    assert derivative(activations.Relu(), [0.0]) == 0  # H(0) = 0


def test_relu_has_the_heaviside_function_as_its_derivative_in_the_sense_of_distributions():
    # -<ReLU, phi'> = <H, phi> for a test function phi of compact support.
    x = np.linspace(-1, 1, 200_000)  # an even number: 0 is not on the grid
    inside = np.abs(x) < 1
    phi = np.zeros_like(x)
    phi[inside] = np.exp(-1 / (1 - x[inside] ** 2)) * (1 + x[inside])
    relu = activations.Relu()(tf.constant(x)).numpy()
    left = -np.trapezoid(relu * np.gradient(phi, x), x)
    right = np.trapezoid(derivative(activations.Relu(), x) * phi, x)
    assert abs(left - right) < 1e-8
    assert right > 0.1


def test_softmax_has_the_jacobian_of_the_lemma():
    z = tf.constant(np.random.default_rng(0).normal(size=(1, 4)))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        s = layers.Softmax(dtype="float64")(z)
    jacobian = tape.jacobian(s, z, experimental_use_pfor=False)[0, :, 0]
    s = s.numpy()[0]
    np.testing.assert_allclose(jacobian, np.diag(s) - np.outer(s, s), atol=1e-16)


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_values_and_derivatives_are_finite_however_large_the_input(name):
    x = np.array([[-1e30, -800.0, 0.0, 800.0, 1e30]])
    function = activations.get(name)
    assert np.isfinite(function(tf.constant(x))).all()
    assert np.isfinite(derivative(function, x)).all()


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"max_value": 0.0},
        {"max_value": 6.0},
        {"max_value": 4.0},
        {"threshold": 1.0},
        {"max_value": 4.0, "negative_slope": 0.5, "threshold": 1.0},
    ],
)
def test_relu_is_that_of_keras_from_one_infinity_to_the_other(arguments):
    x = np.array([-np.inf, -3.0, -0.0, 0.5, 1.0, 2.0, 7.0, np.inf], "float32")
    ours = layers.ReLU(**arguments)(x).numpy()
    np.testing.assert_array_equal(ours, keras.layers.ReLU(**arguments)(x))
    assert not np.signbit(ours[ours == 0]).any()


def test_a_class_at_minus_infinity_has_probability_and_gradient_zero():
    x = tf.constant([[0.0, 1.0, -np.inf]], tf.float64)
    softmax = activations.Softmax()
    np.testing.assert_allclose(softmax(x)[:, :2], tf.nn.softmax(x[:, :2]), rtol=1e-15)
    y, cache = softmax.forward(x)
    assert y[0, 2] == 0
    assert softmax.backward(cache, tf.constant([[1.0, 2.0, 3.0]], tf.float64))["x"][0, 2] == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Activation("sigmod"), r"Did you mean 'sigmoid'\?"),
        (lambda: layers.Activation(tf.nn.relu), "must be one of relu"),
        (
            lambda: layers.ReLU(max_value=-1),
            "`max_value` must be at least 0",
        ),
        (lambda: layers.LeakyReLU(float("nan")), "`negative_slope` must be at least 0"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_linear_is_the_identity():
    layer = layers.Activation("linear")
    np.testing.assert_array_equal(layer(np.array([1.0, -2.0])), [1, -2])
    assert layer.get_config()["activation"] is None
