import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.features.bias_correction import correct_biases, layers_to_keep, rounded
from dlmath.features.convert import to_litert
from dlmath.features.folding import leaf_layers

LAYERS = keras.layers


def draw(*shape, seed=0, low=-1.0, high=1.0):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def small_model():
    """Rescaling, three convolutions and a dense layer, in a model within a model."""
    images = keras.Input((8, 8, 3))
    x = LAYERS.Rescaling(1 / 255, name="rescaling")(images)
    x = LAYERS.Conv2D(8, 3, activation="relu", name="first")(x)
    x = LAYERS.DepthwiseConv2D(3, activation="relu", name="depthwise")(x)
    x = LAYERS.Conv2D(32, 3, activation="relu", name="second")(x)
    below = keras.Model(images, x, name="below")
    pixels = keras.Input((8, 8, 3))
    x = LAYERS.Dense(6, name="dense")(LAYERS.Flatten()(below(pixels)))
    model = keras.Model(pixels, x)
    model.set_weights([draw(*one.shape, seed=row) for row, one in enumerate(model.get_weights())])
    return model


def leaves(model):
    return {layer.name: layer for layer in leaf_layers(model) if layer.weights}


@settings(max_examples=30)
@given(seed=st.integers(0, 9999), scale=st.floats(1e-6, 1e6), depthwise=st.booleans())
def test_rounding_moves_a_weight_by_half_a_step_at_most(seed, scale, depthwise):
    kernel = scale * draw(3, 3, 4, 5, seed=seed)
    largest = np.abs(kernel).max(axis=(0, 1) if depthwise else (0, 1, 2))

    found = rounded(kernel, depthwise=depthwise)

    step = largest / 127
    assert np.all(np.abs(found - kernel) <= step * (0.5 + 1e-4))
    np.testing.assert_allclose(found / step, np.round(found / step), atol=1e-3)


def test_a_kernel_of_zeros_stays():
    assert np.array_equal(rounded(np.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize("depthwise", [False, True])
def test_litert_rounds_alike(depthwise):
    from ai_edge_litert.interpreter import Interpreter

    images = keras.Input((8, 8, 3))
    kind = LAYERS.DepthwiseConv2D(3) if depthwise else LAYERS.Conv2D(5, 3)
    model = keras.Model(images, LAYERS.Flatten()(kind(images)))
    kind.set_weights([draw(*one.shape, seed=3) for one in kind.get_weights()])

    interpreter = Interpreter(model_content=to_litert(model, draw(4, 8, 8, 3, high=255)))

    wanted = rounded(kind.get_weights()[0], depthwise=depthwise)
    # LiteRT's kernels are (outputs, h, w, inputs), and depthwise ones (1, h, w, outputs).
    wanted = wanted[..., 0][np.newaxis] if depthwise else np.moveaxis(wanted, 3, 0)
    (detail,) = (
        one
        for one in interpreter.get_tensor_details()
        if one["dtype"] == np.int8 and tuple(one["shape"]) == wanted.shape
    )
    scales = detail["quantization_parameters"]["scales"]
    shape = [1, 1, 1, -1] if depthwise else [-1, 1, 1, 1]
    stored = interpreter.get_tensor(detail["index"]) * scales.reshape(shape)
    np.testing.assert_allclose(stored, wanted, atol=1e-6)


def test_a_network_with_rounded_kernels_keeps_its_means():
    model, images = small_model(), draw(40, 8, 8, 3, low=0, high=255)
    exact = model.predict_on_batch(images)

    def off(network):
        for layer in leaves(network).values():
            kernel, bias = layer.get_weights()
            is_depthwise = isinstance(layer, LAYERS.DepthwiseConv2D)
            layer.set_weights([rounded(kernel, depthwise=is_depthwise), bias])
        return np.abs((network.predict_on_batch(images) - exact).mean(axis=0)).max()

    corrected = small_model()
    correct_biases(corrected, images, ())

    assert off(corrected) < off(model) / 4


def test_biases_alone_change_and_not_those_of_kept_layers():
    model, before = small_model(), leaves(small_model())

    correct_biases(model, draw(4, 8, 8, 3, low=0, high=255), ["first", "dense"])

    for name, layer in leaves(model).items():
        (kernel, bias), (old_kernel, old_bias) = layer.get_weights(), before[name].get_weights()
        np.testing.assert_array_equal(kernel, old_kernel)
        assert np.array_equal(bias, old_bias) == (name in ("first", "dense"))


def test_the_first_small_layers_are_kept_and_the_last():
    model = small_model()

    kept = layers_to_keep(model)

    of_weight = [name for name in leaves(model) if name in kept]
    assert of_weight == ["first", "depthwise"]
    assert "rescaling" in kept
    assert kept[-1] == "logits"


def test_something_is_left_to_round():
    images = keras.Input((16, 16, 3))
    logits = LAYERS.Dense(2, name="logits")(LAYERS.Flatten()(LAYERS.Rescaling(1 / 255)(images)))

    assert layers_to_keep(keras.Model(images, logits)) == ["logits"]
