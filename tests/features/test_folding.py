import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.features.folding import fold_batch_normalization, leaf_layers


@pytest.fixture(autouse=True)
def double_precision():
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(previous)


def randomise(model, seed=0):
    """Give every weight, the moving statistics too, a value that makes a difference."""
    draw = np.random.default_rng(seed)
    for layer in leaf_layers(model):
        layer.set_weights([draw.uniform(0.3, 2.0, w.shape) for w in layer.get_weights()])


def largest_difference(model, other, shape=(2, 9, 9, 3)):
    images = np.random.default_rng(1).normal(size=shape)
    wanted = model(images, training=False).numpy()
    found = other(images, training=False).numpy()
    return np.abs(found - wanted).max() / np.abs(wanted).max()


def normalizations(model):
    layers = leaf_layers(model)
    return [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]


@settings(max_examples=15)
@given(
    depthwise=st.booleans(),
    bias=st.booleans(),
    scale=st.booleans(),
    center=st.booleans(),
    padding=st.sampled_from(["same", "valid"]),
    stride=st.integers(1, 2),
    epsilon=st.sampled_from([1e-3, 0.7]),
)
def test_a_folded_convolution_is_the_same_map(
    depthwise, bias, scale, center, padding, stride, epsilon
):
    options = {"padding": padding, "strides": stride, "use_bias": bias}
    convolution = (
        keras.layers.DepthwiseConv2D(3, depth_multiplier=2, **options)
        if depthwise
        else keras.layers.Conv2D(5, 3, **options)
    )
    images = keras.Input((9, 9, 3))
    normalized = keras.layers.BatchNormalization(epsilon=epsilon, scale=scale, center=center)(
        convolution(images)
    )
    model = keras.Model(images, keras.layers.ReLU()(normalized))
    randomise(model)
    folded = fold_batch_normalization(model)
    assert normalizations(folded) == []
    assert largest_difference(model, folded) < 1e-14


def test_normalisations_inside_a_nested_model_are_folded_too():
    inner_images = keras.Input((9, 9, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(inner_images)
    inner = keras.Model(inner_images, keras.layers.BatchNormalization()(x), name="backbone")
    images = keras.Input((9, 9, 3))
    model = keras.Model(images, keras.layers.GlobalAveragePooling2D()(inner(images)))
    randomise(model)
    folded = fold_batch_normalization(model)
    assert normalizations(folded) == []
    assert largest_difference(model, folded) < 1e-14
    assert len(normalizations(model)) == 1  # the original is not changed


def branch(x):
    return keras.layers.Add()([x, keras.layers.BatchNormalization()(x)])


def after_activation(x):
    return keras.layers.BatchNormalization()(keras.layers.ReLU()(x))


@pytest.mark.parametrize("build", [branch, after_activation])
def test_what_cannot_be_folded_stays(build):
    images = keras.Input((9, 9, 3))
    model = keras.Model(images, build(keras.layers.Conv2D(4, 3)(images)))
    randomise(model)
    folded = fold_batch_normalization(model)
    assert len(normalizations(folded)) == 1
    assert largest_difference(model, folded) < 1e-14


def test_a_convolution_with_an_activation_of_its_own_stays():
    images = keras.Input((9, 9, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(images)
    model = keras.Model(images, keras.layers.BatchNormalization()(x))
    randomise(model)
    assert len(normalizations(fold_batch_normalization(model))) == 1


def test_a_normalisation_whose_convolution_is_an_output_stays():
    images = keras.Input((9, 9, 3))
    convolved = keras.layers.Conv2D(4, 3)(images)
    inner = keras.Model(images, [convolved, keras.layers.BatchNormalization()(convolved)])
    randomise(inner)
    assert len(normalizations(fold_batch_normalization(inner))) == 1


@pytest.mark.parametrize("axis", [-1, 3])
def test_a_normalisation_of_the_input_becomes_a_rescaling(axis):
    statistics = {"axis": axis, "mean": [100.0, 3.0, -7.0], "variance": [4000.0, 0.5, 0.0]}
    images = keras.Input((9, 9, 3))
    normalized = keras.layers.Normalization(name="by_channel", **statistics)(images)
    model = keras.Model(images, keras.layers.Conv2D(4, 3)(normalized))
    randomise(model)

    folded = fold_batch_normalization(model)

    assert largest_difference(model, folded) < 1e-12
    assert isinstance(folded.get_layer("by_channel"), keras.layers.Rescaling)


def test_adapted_statistics_are_folded_too():
    images = keras.Input((4, 4, 3))
    normalization = keras.layers.Normalization()
    model = keras.Model(images, keras.layers.Conv2D(2, 3)(normalization(images)))
    normalization.adapt(np.random.default_rng(2).normal(90, [3, 30, 60], (16, 4, 4, 3)))

    assert largest_difference(model, fold_batch_normalization(model), (2, 4, 4, 3)) < 1e-6


def test_a_normalisation_of_other_axes_stays():
    images = keras.Input((4, 4, 3))
    whole = keras.layers.Normalization(axis=None, mean=3.0, variance=2.0, name="whole")
    model = keras.Model(images, keras.layers.Conv2D(2, 3)(whole(images)))

    folded = fold_batch_normalization(model)

    assert isinstance(folded.get_layer("whole"), keras.layers.Normalization)
    assert largest_difference(model, folded, (2, 4, 4, 3)) < 1e-6
