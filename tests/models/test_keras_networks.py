"""Downloads of ImageNet weights, from a server on this machine that stands in for Keras's."""

import functools
import hashlib
import http.server
import threading

import h5py
import keras
import numpy as np
import pytest
from keras.src.applications import efficientnet, mobilenet_v2

from dlmath.errors import WeightsError
from dlmath.models import keras_networks

MOBILENET = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
B0 = "efficientnetb0_notop.h5"


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if not self.path.startswith("/cut/"):
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b"half a file")  # then the line drops

    def log_message(self, *_):
        """Stay silent."""


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A folder that is served, and Keras looking there; its cache is a folder of this test."""
    served, cache = tmp_path / "served", tmp_path / "keras"
    served.mkdir()
    cache.mkdir()
    handler = functools.partial(Handler, directory=str(served))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(cache))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{running.server_port}/"
        monkeypatch.setattr(mobilenet_v2, "BASE_WEIGHT_PATH", url)
        monkeypatch.setattr(efficientnet, "BASE_WEIGHTS_PATH", url)
        yield served, url
        running.shutdown()
        thread.join()


def write_keras_h5(network, path):
    """Write weights in the layout of the files that Keras offers for download (Keras 2)."""
    layers = [layer for layer in network.layers if layer.weights]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in layers]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.0.0"
        for layer in layers:
            names = [f"{layer.name}/{weight.name}" for weight in layer.weights]
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group[name] = weight.numpy()


def image(size=32):
    return np.random.default_rng(0).uniform(0, 255, (1, size, size, 3)).astype("float32")


@pytest.mark.slow
def test_downloaded_weights_are_in_the_network(server, capsys):
    served, _ = server
    original = keras_networks.mobilenet_v2_035(32, imagenet=False)
    write_keras_h5(original, served / MOBILENET)
    network = keras_networks.mobilenet_v2_035(32, imagenet=True)

    np.testing.assert_allclose(network(image()), original(image()), rtol=1e-5)
    captured = capsys.readouterr()
    assert captured.out == ""  # stdout belongs to the command's result
    assert "Downloading data" in captured.err


@pytest.mark.slow
@pytest.mark.real_data
def test_the_real_weights_come_through_the_same_door(server, shared_data):
    served, _ = server
    path = shared_data / "weights" / "mobilenet_v2_0.35_224_notop.weights.h5"
    real = keras.applications.MobileNetV2(
        alpha=0.35, input_shape=(224, 224, 3), include_top=False, weights=path
    )
    write_keras_h5(real, served / MOBILENET)
    network = keras_networks.mobilenet_v2_035(224, imagenet=True)

    reference = np.load(shared_data / "weights" / "reference_outputs.npz")
    features = network(reference["input_uint8"][np.newaxis].astype("float32")).numpy()
    np.testing.assert_allclose(
        features.mean(axis=(1, 2))[0], reference["mobilenet_v2_features"], atol=1e-4
    )


@pytest.mark.slow
def test_b0_sees_the_same_pixels_whether_its_weights_are_downloaded_or_in_a_file(
    server, monkeypatch
):
    # Keras scales the pixels of B0 a second time, but only where it downloads the weights itself.
    served, _ = server
    from_file = keras_networks.efficientnet_b0(32, imagenet=False)
    write_keras_h5(from_file, served / B0)
    md5 = hashlib.md5((served / B0).read_bytes()).hexdigest()
    monkeypatch.setitem(efficientnet.WEIGHTS_HASHES, "b0", (md5, md5))
    from_file.load_weights(served / B0)
    downloaded = keras_networks.efficientnet_b0(32, imagenet=True)

    np.testing.assert_allclose(downloaded(image()), from_file(image()), rtol=1e-4, atol=1e-6)


def refused(build, **options):
    with pytest.raises(
        WeightsError, match=r"--backbone efficientnet_lite0.*--weights none"
    ) as info:
        build(32, imagenet=True, **options)
    return str(info.value)


def test_a_file_that_is_not_there_is_refused(server):
    assert "404" in refused(keras_networks.mobilenet_v2_035)


def test_a_server_that_is_not_there_is_refused(server, monkeypatch):
    monkeypatch.setattr(mobilenet_v2, "BASE_WEIGHT_PATH", "http://127.0.0.1:1/")
    assert "Connection refused" in refused(keras_networks.mobilenet_v2_035)


def test_a_line_that_drops_is_refused(server, monkeypatch, tmp_path):
    _, url = server
    monkeypatch.setattr(mobilenet_v2, "BASE_WEIGHT_PATH", url + "cut/")

    refused(keras_networks.mobilenet_v2_035)
    assert list((tmp_path / "keras" / "models").iterdir()) == []  # nothing stays to be found again


def test_a_file_of_another_hash_is_refused(server):
    served, _ = server
    (served / B0).write_bytes(b"not the released weights")

    assert "corrupted" in refused(keras_networks.efficientnet_b0)


def test_a_page_in_the_place_of_weights_is_refused(server):
    served, _ = server
    (served / MOBILENET).write_text("<html>Please log in to this network</html>")

    assert "delete it" in refused(keras_networks.mobilenet_v2_035)
