"""Networks of from-scratch layers: trained next to Keras's, saved, exported."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import layers

IMAGES = np.random.default_rng(0).normal(size=(64, 12, 12, 3)).astype("float32")
LABELS = np.eye(2, dtype="float32")[(IMAGES.mean(axis=(1, 2, 3)) > 0).astype(int)]


def network(kind, dtype="float32"):
    """A small network of every sort of layer, from the same lines for both sets of layers."""
    return keras.Sequential(
        [
            keras.Input((12, 12, 3), dtype=dtype),
            kind.Conv2D(4, 3, padding="same", activation="relu", dtype=dtype),
            kind.MaxPooling2D(dtype=dtype),
            kind.DepthwiseConv2D(3, dtype=dtype),
            kind.BatchNormalization(dtype=dtype),
            kind.Activation("silu", dtype=dtype),
            kind.ZeroPadding2D(1, dtype=dtype),
            kind.AveragePooling2D(2, dtype=dtype),
            kind.Flatten(dtype=dtype),
            kind.Dropout(0.25, seed=5, dtype=dtype),
            kind.Dense(8, dtype=dtype),
            kind.LayerNormalization(dtype=dtype),
            kind.LeakyReLU(dtype=dtype),
            kind.Dense(2, dtype=dtype),
            kind.Softmax(dtype=dtype),
        ]
    )


def train(model, loss, steps):
    model.compile(keras.optimizers.Adam(1e-2), loss, jit_compile=False)
    return [
        float(model.train_on_batch(IMAGES[i : i + 16], LABELS[i : i + 16]))
        for i in (16 * (step % 4) for step in range(steps))
    ]


@pytest.mark.slow
def test_trained_beside_keras_on_the_same_batches_it_makes_the_same_steps():
    ours, theirs = network(layers, "float64"), network(keras.layers, "float64")
    theirs.set_weights(ours.get_weights())
    ours_losses = train(ours, layers.losses.CategoricalCrossentropy(dtype="float64"), 50)
    their_losses = train(theirs, keras.losses.CategoricalCrossentropy(dtype="float64"), 50)
    # Adam divides by the root of the second moment, and Keras keeps slopes in float32 (2e-8): the
    # tiny differences grow over fifty steps, and stay tiny.
    np.testing.assert_allclose(ours_losses, their_losses, atol=1e-6)
    assert ours_losses[-1] < 0.7 * ours_losses[0]


LOAD = """
import sys
import numpy as np
import keras
import dlmath.layers
model = keras.models.load_model(sys.argv[1])
np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
"""

SERVE = """
import sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
np.save(sys.argv[3], model.serve(tf.constant(np.load(sys.argv[2]))))
assert not any(name.partition(".")[0] == "dlmath" for name in sys.modules)
"""


@pytest.mark.slow
def test_saved_it_loads_elsewhere_and_exported_it_runs_without_dlmath(tmp_path, repository):
    model = network(layers)
    train(model, "categorical_crossentropy", 4)
    expected = model.predict(IMAGES, verbose=0)
    np.save(tmp_path / "images.npy", IMAGES)
    model.save(tmp_path / "model.keras")
    model.export(tmp_path / "saved_model", verbose=False)
    for script, saved, folder in (
        (LOAD, "model.keras", repository),
        (SERVE, "saved_model", tmp_path),
    ):
        paths = [str(tmp_path / name) for name in (saved, "images.npy", "out.npy")]
        subprocess.run([sys.executable, "-c", script, *paths], check=True, cwd=folder)
        np.testing.assert_allclose(np.load(tmp_path / "out.npy"), expected, atol=1e-6)


def test_a_traced_training_step_of_a_network_is_traced_once():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(1)])
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)
    loss_of = layers.losses.MeanSquaredError()

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        variables = [v.value for v in model.trainable_variables]
        optimizer.apply(tape.gradient(loss, variables), model.trainable_variables)
        return loss

    x = tf.random.stateless_normal((8, 4), seed=(1, 2))
    losses = [float(step(x, x[:, :1])) for _ in range(30)]
    assert step.experimental_get_tracing_count() == 1
    assert losses[-1] < 0.5 * losses[0]
