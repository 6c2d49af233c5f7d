"""Run by test_devices.py: does a training mirrored over two CPUs equal one on a single CPU?"""

import keras
import numpy as np
import tensorflow as tf

# Before anything else: virtual devices cannot be made once TensorFlow has started.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

from dlmath.recipe import Recipe  # noqa: E402
from dlmath.training.devices import choose_device  # noqa: E402
from dlmath.training.loop import Loop  # noqa: E402
from dlmath.training.optimizer import compile_for_training  # noqa: E402

EPOCHS, STEPS, BATCH = 2, 4, 6


def drawn(seed):
    return keras.initializers.GlorotUniform(seed)


def dense(units, seed, **arguments):
    return keras.layers.Dense(units, kernel_initializer=drawn(seed), **arguments)


def normalized(x, activation):
    normalization = keras.layers.BatchNormalization(trainable=False)
    return keras.layers.Activation(activation)(normalization(x))


def build(recipe):
    images = keras.Input((6, 6, 3))
    # Frozen batch normalisation is folded in each step, on each of the two devices.
    wide = normalized(keras.layers.Conv2D(4, 1, kernel_initializer=drawn(2))(images), "silu")
    depthwise = keras.layers.DepthwiseConv2D(5, padding="same", depthwise_initializer=drawn(3))
    pooled = keras.layers.GlobalAveragePooling2D()(normalized(depthwise(wide), "relu"))
    hidden = dense(4, 0, activation="tanh")(pooled)
    logits = dense(2, 1, name="logits")(hidden)
    model = keras.Model(images, keras.layers.Softmax()(logits))
    return compile_for_training(model, recipe, STEPS)


def train(strategy):
    device = choose_device("cpu", strategy)
    with device.strategy.scope():
        model = build(Recipe(name="test", epochs=EPOCHS, learning_rate=0.05))
    draw = np.random.default_rng(0)
    images = draw.normal(size=(STEPS, BATCH, 6, 6, 3)).astype("float32")
    labels = np.eye(2, dtype="float32")[draw.integers(0, 2, (STEPS, BATCH))]
    weights = draw.uniform(0.5, 2, (STEPS, BATCH)).astype("float32")
    batches = tf.data.Dataset.from_tensor_slices((images, labels, weights))
    Loop(
        model,
        lambda epoch, step: batches.skip(step),
        EPOCHS,
        STEPS,
        strategy=device.strategy,
    ).run()
    return device.as_dict(), np.concatenate([np.ravel(w) for w in model.get_weights()])


one, mirrored = train("one"), train("mirrored")
assert one[0]["replicas"] == 1
assert mirrored[0] == {"kind": "cpu", "strategy": "mirrored", "replicas": 2}
np.testing.assert_allclose(mirrored[1], one[1], atol=1e-5)
