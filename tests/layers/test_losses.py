import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath.layers import losses
from dlmath.layers.loss_functions import SoftmaxCrossEntropy

KINDS = ["MeanSquaredError", "CategoricalCrossentropy", "BinaryCrossentropy"]
Y = np.array([[0.1, 0.2, 0.7], [1.0, 0.0, 0.0]])
Z = np.array([[0.5, -1.0, 0.3], [2.0, 0.1, -0.4]])


def gradient(loss, y, p):
    p = tf.constant(p, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(p)
        value = loss(tf.constant(y, tf.float64), p)
    return tape.gradient(value, p).numpy()


@pytest.mark.parametrize("arguments", [{}, {"from_logits": True}, {"label_smoothing": 0.2}])
@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", None])
def test_value_and_gradient_are_those_of_keras(kind, arguments, reduction):
    p = Z if arguments.get("from_logits") else tf.nn.softmax(Z).numpy()
    ours, theirs = (
        getattr(module, kind)(**arguments, reduction=reduction, dtype="float64")
        for module in (losses, keras.losses)
    )
    np.testing.assert_allclose(ours(Y, p), theirs(Y, p), rtol=1e-12)
    np.testing.assert_allclose(gradient(ours, Y, p), gradient(theirs, Y, p), rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_config_goes_there_and_back(kind):
    loss = getattr(losses, kind)(reduction="sum", name="mine")
    config = keras.losses.serialize(loss)
    assert config["registered_name"] == f"dlmath>{kind}"
    again = keras.losses.deserialize(config)
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()


def test_sample_weights_weigh_the_gradient():
    loss = losses.CategoricalCrossentropy(from_logits=True, dtype="float64")
    weighted = gradient(lambda y, p: loss(y, p, sample_weight=[0.0, 3.0]), Y, Z)
    fused = (tf.nn.softmax(Z).numpy() - Y) * [[0], [3]] / 2
    np.testing.assert_allclose(weighted, fused, rtol=1e-12)


def test_softmax_minus_truth_holds_for_a_truth_of_mass_one_only():
    # Jiang states S(z) - y for every y in {0, 1}^m, and TensorFlow's fused op returns it.
    y, z = np.array([[1.0, 1.0, 0.0]]), Z[:1]
    S = tf.nn.softmax(z).numpy()
    ours = gradient(losses.CategoricalCrossentropy(True, dtype="float64"), y, z)
    np.testing.assert_allclose(ours, 2 * S - y, rtol=1e-12)

    def value(z):
        return float(SoftmaxCrossEntropy().forward(y, z)[0][0])

    steps = 1e-5 * np.eye(3)
    by_differences = [(value(z + step) - value(z - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(ours[0], by_differences, rtol=1e-8)
    tensorflows = gradient(tf.nn.softmax_cross_entropy_with_logits, y, z)
    np.testing.assert_allclose(tensorflows, S - y, rtol=1e-12)


def test_a_class_ruled_out_by_minus_infinity_is_a_class_that_is_not_there():
    loss = losses.CategoricalCrossentropy(True, dtype="float64")
    ruled_out = np.concatenate([Z, [[-np.inf], [-np.inf]]], axis=1)
    truth = np.concatenate([Y, [[0.0], [0.0]]], axis=1)
    np.testing.assert_allclose(loss(truth, ruled_out), loss(Y, Z), rtol=1e-15)
    np.testing.assert_allclose(gradient(loss, truth, ruled_out)[:, :3], gradient(loss, Y, Z))
    assert not gradient(loss, truth, ruled_out)[:, 3].any()


def test_certain_and_wrong_learns_from_logits_and_not_from_probabilities():
    y, z = np.array([[0.0, 1.0]]), np.array([[1000.0, -1000.0]])
    logits = gradient(losses.CategoricalCrossentropy(True, dtype="float64"), y, z)
    np.testing.assert_array_equal(logits, [[1, -1]])
    chances = gradient(losses.CategoricalCrossentropy(dtype="float64"), y, tf.nn.softmax(z).numpy())
    np.testing.assert_array_equal(chances, [[0, 0]])


@pytest.mark.parametrize("arguments", [{}, {"from_logits": True}, {"label_smoothing": 0.2}])
@pytest.mark.parametrize("kind", KINDS[1:])
def test_truths_whose_shape_is_not_known_while_tracing_are_taken(kind, arguments):
    loss = getattr(losses, kind)(**arguments, dtype="float64")
    p = tf.constant(Z if arguments.get("from_logits") else tf.nn.softmax(Z))

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.float64)])
    def of(y):
        return loss(y, p)

    np.testing.assert_allclose(of(Y), loss(Y, p), rtol=1e-12)


def test_labels_of_one_axis_less_are_not_broadcast_into_a_square():
    p = np.array([[0.2], [0.7], [0.4]], "float32")
    y = np.array([0.0, 1.0, 1.0], "float32")
    np.testing.assert_allclose(
        losses.MeanSquaredError()(y, p), np.mean((p[:, 0] - y) ** 2), rtol=1e-6
    )
    with pytest.raises(ValueError, match=r"y_true.shape=\(3, 1\), y_pred.shape=\(3, 4\)"):
        losses.BinaryCrossentropy()(y, np.full((3, 4), 0.5, "float32"))
