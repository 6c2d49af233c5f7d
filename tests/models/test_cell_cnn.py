import types

import keras
import numpy as np
import pytest

from dlmath import layers as scratch
from dlmath.models import malaria_cnn


def test_three_convolution_blocks_and_four_dense_layers():
    kinds = [type(layer).__name__ for layer in malaria_cnn(64).layers]
    block, dense = ["Conv2D", "ReLU", "MaxPooling2D"], ["Dense", "ReLU"]

    assert kinds == [
        "InputLayer", "Rescaling", *3 * block, "Flatten", "Dropout", *3 * dense, "Dense", "Softmax",
    ]  # fmt: skip


@pytest.mark.parametrize(("size", "classes"), [(8, 2), (65, 5)])
def test_any_size_and_number_of_classes(size, classes):
    assert malaria_cnn(size, classes).output_shape == (None, classes)


def test_layers_are_a_value():
    asked_for = []

    class Recording(types.SimpleNamespace):
        def __getattr__(self, name):
            asked_for.append(name)
            return getattr(keras.layers, name)

    malaria_cnn(16, layers=Recording())

    assert set(asked_for) == {
        "Conv2D", "ReLU", "MaxPooling2D", "Flatten", "Dropout", "Dense", "Softmax",
    }  # fmt: skip


def test_layers_from_scratch_make_the_same_network():
    ours, theirs = malaria_cnn(16, layers=scratch), malaria_cnn(16)
    ours.set_weights(theirs.get_weights())
    images = np.random.default_rng(0).uniform(0, 255, (3, 16, 16, 3)).astype("float32")

    assert isinstance(ours.get_layer("conv1"), scratch.Conv2D)
    np.testing.assert_allclose(ours(images), theirs(images), rtol=1e-5)
