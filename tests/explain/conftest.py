import keras
import numpy as np
import pytest

from dlmath.explain.classifier_parts import ClassifierParts


@pytest.fixture
def spot_parts():
    """A model that looks at one place: class 1 has the log-odds red / 60 - 2 of the red there."""
    images = keras.Input((8, 8, 3), name="images")
    red = keras.layers.Conv2D(1, 1, name="red")(images)
    logits = keras.layers.Dense(2, name="logits")(keras.layers.Flatten()(red))
    model = keras.Model(images, keras.layers.Softmax()(logits))
    model.get_layer("red").set_weights([np.array([1 / 60, 0, 0]).reshape(1, 1, 3, 1), np.zeros(1)])
    kernel = np.zeros((8, 8, 2))
    kernel[2, 5, 1] = 1
    model.get_layer("logits").set_weights([kernel.reshape(64, 2), np.array([0, -2.0])])
    return ClassifierParts(model)


@pytest.fixture
def spot_image():
    """A dark image, uint8 (8, 8, 3), with much red at the place that the model looks at."""
    pixels = np.full((8, 8, 3), 30, np.uint8)
    pixels[2, 5, 0] = 240
    return pixels
