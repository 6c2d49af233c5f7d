import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import models
from dlmath.features.folding import convolution_chains
from dlmath.models.backbones import BACKBONES
from dlmath.recipe import Recipe
from dlmath.training import training_graph
from dlmath.training.optimizer import compile_for_training
from dlmath.training.training_graph import TrainingModel


@pytest.fixture
def double_precision():
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(previous)


def normalized(x, activation, **options):
    normalization = keras.layers.BatchNormalization(**options)
    x = normalization(x)
    draw = np.random.default_rng(x.shape[-1])
    normalization.set_weights(
        [draw.uniform(0.5, 2.0, w.shape) for w in normalization.get_weights()]
    )
    normalization.trainable = False
    return activation(x) if activation else x


def network(dtype="float64"):
    """One block of each kind of convolution, with a sum, inside of a nested model."""
    images = keras.Input((12, 12, 3), dtype=dtype)
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(images)
    start = normalized(x, keras.layers.ReLU(6.0))
    x = normalized(keras.layers.Conv2D(8, 1)(start), keras.layers.Activation("silu"))
    x = keras.layers.DepthwiseConv2D(5, padding="same", use_bias=False)(x)
    x = normalized(x, keras.layers.Activation("relu"), scale=False)
    x = normalized(keras.layers.Conv2D(4, 1, use_bias=False)(x), None, center=False)
    x = keras.layers.Add()([start, x])
    x = keras.layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
    inner = keras.Model(images, normalized(x, keras.layers.LeakyReLU()), name="backbone")
    outer = keras.Input((12, 12, 3), dtype=dtype)
    pooled = keras.layers.GlobalAveragePooling2D()(inner(outer))
    return keras.Model(outer, keras.layers.Dense(2, name="logits")(pooled))


def images(count=3, size=12):
    return np.random.default_rng(0).normal(size=(count, size, size, 3))


def gradients(model, x):
    @tf.function
    def compute(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(x, training=True) ** 2)
        return tape.gradient(loss, model.trainable_variables)

    found = compute(tf.constant(x))
    return {v.path: g.numpy() for v, g in zip(model.trainable_variables, found, strict=True)}


def assert_equal_gradients(model, x, tolerance=1e-12):
    wanted = gradients(keras.Model(model.inputs[0], model.outputs[0]), x)
    found = gradients(TrainingModel(model.inputs[0], model.outputs[0]), x)
    assert list(found) == list(wanted)
    for path, gradient in wanted.items():
        scale = np.abs(gradient).max()
        assert scale > 0, path
        np.testing.assert_allclose(found[path], gradient, atol=tolerance * scale, rtol=0)


@pytest.mark.usefixtures("double_precision")
def test_gradients_are_those_of_the_layers_one_after_another():
    model = network()
    assert len(convolution_chains(model)) == 5
    # A LeakyReLU is called as it is; a chain without an activation has none to call.
    assert len(training_graph._replacements(model)) == 5 + 5 + 3
    assert_equal_gradients(model, images())


@pytest.mark.usefixtures("double_precision")
def test_layers_that_are_a_part_of_another_model_too_have_their_gradients():
    model = network()
    backbone = model.get_layer("backbone")
    tail_input = keras.Input(backbone.layers[4].input.shape[1:], dtype="float64")
    x = tail_input
    for layer in backbone.layers[4:10]:
        x = layer(x)
    tail = keras.Model(tail_input, x)
    assert len(convolution_chains(tail)) == 2
    draw = np.random.default_rng(3).normal(size=(2, *tail_input.shape[1:]))
    assert_equal_gradients(tail, draw)


@pytest.mark.usefixtures("double_precision")
def test_a_convolution_that_is_called_twice_stays():
    outer = keras.Input((8, 8, 3))
    convolution = keras.layers.Conv2D(3, 1)
    once = normalized(convolution(outer), keras.layers.ReLU())
    twice = normalized(convolution(once), keras.layers.ReLU())
    model = keras.Model(outer, twice)
    assert convolution_chains(model) == []
    assert_equal_gradients(model, images(size=8))


@pytest.mark.slow
@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_b0", "mobilenet_v2_035"])
def test_gradients_of_whole_backbones_are_those_of_their_layers(name):
    backbone = BACKBONES[name].builder()(64, imagenet=False)
    x = np.random.default_rng(0).uniform(0, 255, (4, 64, 64, 3))
    layers = [n for n in backbone.layers if isinstance(n, keras.layers.BatchNormalization)]
    for layer in layers:
        layer.momentum = 0.0  # the statistics of this batch
    backbone(x, training=True)
    for layer in layers:
        layer.trainable = False
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    assert_equal_gradients(backbone, x, tolerance=1e-10)


def test_predictions_stay_the_same_bit_for_bit():
    model = network("float32")
    x = images().astype("float32")
    wanted = keras.Model(model.input, model.output).predict(x, verbose=0)
    found = TrainingModel(model.input, model.output).predict(x, verbose=0)
    assert found.tobytes() == wanted.tobytes()


def recipe(**changes):
    settings = {"weights": "imagenet", "tune": "all", "image_size": 32, **changes}
    return Recipe(name="test", classes=("a", "b"), positive_class="b", **settings)


@pytest.mark.parametrize(
    ("changes", "replaced"),
    [
        ({}, 49 * 2 + 33),  # three layers each, but for projections without an activation
        ({"weights": "none"}, 0),  # batch normalisation trains
        ({"precision": "bfloat16"}, 0),
        ({"backbone": "malaria_cnn", "weights": "none"}, 0),
    ],
)
def test_what_a_recipe_replaces(changes, replaced):
    model = models.build(recipe(**changes))
    assert len(training_graph._replacements(model)) == replaced


@pytest.mark.parametrize("tune", ["tail", "all"])
def test_a_step_of_a_recipe_moves_what_it_tunes(tune):
    model = models.build(recipe(tune=tune))
    training_model = compile_for_training(model, recipe(tune=tune, optimizer="sgd"), 1)
    fixed = [v for v in model.non_trainable_variables if "seed_generator" not in v.path]
    frozen = [np.array(v) for v in fixed]
    before = [np.array(v) for v in model.trainable_variables]
    labels = np.eye(2, dtype="float32")
    pixels = 100 + 50 * images(2, 32).astype("float32")
    for _ in range(2):  # the first step of a warm-up has a learning rate of 0
        training_model.train_on_batch(pixels, labels)
    for old, variable in zip(frozen, fixed, strict=True):
        np.testing.assert_array_equal(old, np.array(variable), err_msg=variable.path)
    for old, variable in zip(before, model.trainable_variables, strict=True):
        assert np.any(old != np.array(variable)), variable.path


def test_dropout_drops_and_free_normalization_learns_its_statistics():
    """The mode of training reaches every layer, next to those that are computed otherwise."""
    images_in = keras.Input((12, 12, 3))
    x = normalized(keras.layers.Conv2D(4, 3)(images_in), keras.layers.ReLU(6.0))
    x = keras.layers.BatchNormalization(name="free")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    inner = keras.Model(images_in, x)
    outer = keras.Input((12, 12, 3))
    dropped = keras.layers.Dropout(0.5, seed=1)(inner(outer))
    model = TrainingModel(outer, keras.layers.Dense(2, name="logits")(dropped))
    free = inner.get_layer("free")
    before, x = np.array(free.moving_mean), tf.constant(images(), tf.float32)

    first, second = (np.array(model(x, training=True)) for _ in range(2))

    assert np.abs(first - second).max() > 1e-3  # dropped otherwise each time
    assert np.abs(np.array(free.moving_mean) - before).max() > 1e-3
    np.testing.assert_array_equal(model(x, training=False), model(x, training=False))


def test_without_anything_to_replace_it_is_the_model_bit_by_bit():
    recipe = Recipe(
        name="x", classes=("a", "b"), backbone="malaria_cnn", weights="none", image_size=16,
        tune="all", dropout=0.3,
    )  # fmt: skip
    x, labels = tf.constant(images(4, 16), tf.float32), np.eye(2, dtype="float32")[[0, 1, 0, 1]]
    losses = []
    for kind in (keras.Model, TrainingModel):
        model = models.build(recipe)
        trained = kind(model.input, model.get_layer("logits").output)
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        trained.compile("adam", loss, jit_compile=False)
        losses.append([float(trained.train_on_batch(x, labels)) for _ in range(3)])
    assert losses[0] == losses[1]
