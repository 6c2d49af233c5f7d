import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from dlmath.errors import WeightsError
from dlmath.inference.network import Network


def convert(function, *shapes):
    """Return the .tflite content of a function of float32 tensors."""
    signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    concrete = tf.function(function).get_concrete_function(*signature)
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()


def features(images):
    """Three means and three squares of means: 6 features that tell images and pixels apart."""
    means = tf.reduce_mean(images, axis=(1, 2))
    return tf.concat([means, means**2], axis=1)


@pytest.fixture(scope="module")
def content():
    return convert(features, (None, 4, 4, 3))


def images(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 3), np.uint8)


def test_batches_of_any_size_in_any_order(content):
    network = Network(content)

    assert (network.input_size, network.feature_count) == (4, 6)
    for n in (3, 1, 5, 5, 0, 2):
        pixels = images(n, seed=n)
        found = network(pixels)
        assert found.shape == (n, 6)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, features(pixels.astype(np.float32)), rtol=1e-6)


def test_bytes_and_floats_are_the_same_pixels(content, tmp_path):
    path = tmp_path / "features.tflite"
    path.write_bytes(content)
    pixels = images(2)

    of_floats = Network(path, threads=2)(pixels.astype(np.float32))
    np.testing.assert_array_equal(Network(content)(pixels), of_floats)


def test_a_result_stays_as_it_was_when_the_next_comes(content):
    network = Network(content)
    first = network(images(2, seed=1))
    kept = first.copy()
    network(images(2, seed=2))
    np.testing.assert_array_equal(first, kept)


def test_images_of_another_size_are_refused(content):
    with pytest.raises(ValueError, match=r"\(N, 4, 4, 3\)\. Received: pixels of shape \(1, 5, 4"):
        Network(content)(np.zeros((1, 5, 4, 3), np.uint8))


@pytest.mark.parametrize("cut", [0, 10, 200, -8])
def test_a_damaged_file_is_named(content, tmp_path, cut):
    path = tmp_path / "features.tflite"
    path.write_bytes(content[:cut])
    with pytest.raises(WeightsError, match=r"features\.tflite is (empty|damaged)"):
        Network(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"Cannot read .*nowhere\.tflite: No such file"):
        Network(tmp_path / "nowhere.tflite")


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (features, [(None, 4, 5, 3)]),
        (features, [(2, 4, 4, 3)]),  # the batch cannot be another
        (lambda images: images * 2, [(None, 4, 4, 3)]),
        (lambda a, b: features(a + b), [(None, 4, 4, 3), (None, 4, 4, 3)]),
    ],
)
def test_a_network_of_another_kind_is_refused(function, shapes):
    with pytest.raises(WeightsError, match=r"must map .*\(N, S, S, 3\).*Received: "):
        Network(convert(function, *shapes))


def test_without_litert_the_message_says_what_to_install(content, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(WeightsError, match="pip install ai-edge-litert"):
        Network(content)


def test_it_loads_neither_tensorflow_nor_keras(content, tmp_path):
    path = tmp_path / "features.tflite"
    path.write_bytes(content)
    program = (
        "import sys, pathlib, numpy\n"
        "from dlmath.inference.network import Network\n"
        "Network(pathlib.Path(sys.argv[1]))(numpy.zeros((1, 4, 4, 3), 'uint8'))\n"
        "print(sorted({'tensorflow', 'keras', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
