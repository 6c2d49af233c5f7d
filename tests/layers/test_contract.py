"""What every from-scratch layer owes: it behaves as a Keras layer and as Keras's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath.gradcheck import CASES, oracles
from dlmath.gradcheck.cases import LayerCase
from dlmath.gradcheck.subject import random_upstream
from dlmath.seeds import generator

LAYER_CASES = [case for case in CASES if isinstance(case, LayerCase)]
every_layer = pytest.mark.parametrize("case", LAYER_CASES, ids=lambda case: case.name)


def batch(case, dtype="float32"):
    return np.random.default_rng(0).normal(size=case.shape).astype(dtype)


@every_layer
def test_config_goes_there_and_back(case):
    layer = case.layer()
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    assert case.arguments.keys() <= config.keys()


@every_layer
def test_same_output_weights_and_shapes_as_keras(case):
    ours, theirs = case.layer(), case.keras_layer()
    x = batch(case)
    expected = theirs(x)
    ours.build(x.shape)
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        mine.assign(other)
    assert [w.trainable for w in ours.weights] == [w.trainable for w in theirs.weights]
    np.testing.assert_allclose(ours(x), expected, rtol=1e-5, atol=1e-5)


@every_layer
def test_shapes_are_inferred_with_the_batch_unknown(case):
    inputs = keras.Input(case.shape[1:])
    assert case.layer()(inputs).shape == case.keras_layer()(inputs).shape


@every_layer
def test_traced_once_and_equal_to_the_eager_call(case):
    layer = case.layer()
    x = batch(case)
    layer.build(x.shape)
    before = [variable.numpy() for variable in layer.variables]
    eager = layer(x, **case.call)
    for variable, value in zip(layer.variables, before, strict=True):
        variable.assign(value)
    traced = tf.function(lambda x: layer(x, **case.call))
    np.testing.assert_allclose(traced(x), eager, rtol=1e-6, atol=1e-6)
    traced(x + 1)
    assert traced.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_backward_pass_is_the_gradient_of_the_forward_pass(case):
    random = generator("contract", case.name)
    subject = case.subject(random)
    upstream = random_upstream(subject, random)
    judges = oracles.tape(subject, upstream, random)
    by_hand = subject.by_hand(upstream)
    errors = {name: judges[name](by_hand[name]) for name in subject.names}
    assert max(errors.values()) < 1e-12, errors


@every_layer
def test_gradients_in_a_traced_function_equal_the_eager_ones(case):
    layer = case.layer(dtype="float64")
    x = tf.constant(batch(case, "float64"))
    layer.build(x.shape)
    state = [variable.numpy() for variable in layer.variables]

    def gradients(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, **case.call)
            loss = tf.reduce_sum(y * y)
        return tape.gradient(loss, [x, *(w.value for w in layer.trainable_weights)])

    eager = gradients(x)
    for variable, value in zip(layer.variables, state, strict=True):
        variable.assign(value)
    for ours, theirs in zip(eager, tf.function(gradients)(x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@every_layer
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_computes_in_half_and_keeps_weights_in_full(case, precision):
    layer = case.layer(dtype=precision)
    x = tf.constant(batch(case))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, **case.call)
        loss = tf.reduce_sum(tf.cast(y, "float32") ** 2)
    assert y.dtype == layer.compute_dtype
    assert {w.dtype for w in layer.trainable_weights} <= {"float32"}
    gradients = tape.gradient(loss, [x, *(w.value for w in layer.trainable_weights)])
    assert all(g.dtype == tf.float32 and np.isfinite(g).all() for g in gradients)


@every_layer
def test_saved_model_file_gives_the_same_numbers(case, tmp_path):
    inputs = keras.Input(case.shape[1:])
    model = keras.Model(inputs, case.layer(name="one")(inputs))
    model.save(tmp_path / "model.keras")
    x = batch(case)
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(x), model(x))


@every_layer
def test_an_argument_of_keras_that_is_not_supported_is_refused_by_name(case):
    for name in ("kernel_constraint", "lora_rank", "filtres"):
        with pytest.raises(ValueError, match=rf"does not support the argument `{name}`"):
            case.layer(**{name: 3})


@every_layer
def test_a_mask_goes_on_where_keras_lets_it_and_the_layer_does_not_use_it(case):
    uses_it = {"BatchNormalization", "Softmax"}
    theirs = case.keras_layer().supports_masking and case.kind not in uses_it
    assert case.layer().supports_masking == theirs
