import os
import subprocess
import sys

import pytest
import tensorflow as tf

from dlmath.errors import DeviceError
from dlmath.training import devices


def test_auto_takes_one_device():
    device_config = devices.choose_device()
    kind = "gpu" if tf.config.list_logical_devices("GPU") else "cpu"
    assert device_config.as_dict() == {"kind": kind, "strategy": "one", "replicas": 1}


@pytest.mark.skipif(
    bool(tf.config.list_physical_devices("GPU")), reason="needs a machine without a GPU"
)
def test_a_missing_gpu_is_an_error_never_a_cpu():
    with pytest.raises(DeviceError, match="sees no GPU here"):
        devices.choose_device("gpu")


@pytest.mark.parametrize(
    ("device", "strategy", "message"),
    [
        ("quantum", "auto", "`device` must be one of"),
        ("auto", "two", "`strategy` must be one of"),
        ("cpu", "tpu", "together"),
        ("tpu", "mirrored", "together"),
    ],
)
def test_a_contradiction_is_refused(device, strategy, message):
    with pytest.raises(DeviceError, match=message):
        devices.choose_device(device, strategy)


def test_a_missing_tpu_is_an_error(monkeypatch):
    monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", _no_tpu)
    with pytest.raises(DeviceError, match=r"No TPU can be reached \(no cluster\)"):
        devices.choose_device("tpu")


def _no_tpu(tpu):
    raise ValueError("no cluster\nmore")


def test_a_tpu_is_resolved_connected_and_initialised(monkeypatch):
    calls = []

    class Strategy:
        num_replicas_in_sync = 8

        def __init__(self, resolver):
            calls.append(("strategy", resolver))

    monkeypatch.setenv("TPU_NAME", "pod")
    monkeypatch.setattr(
        tf.distribute.cluster_resolver, "TPUClusterResolver", lambda tpu: f"resolver of {tpu}"
    )
    monkeypatch.setattr(
        tf.config, "experimental_connect_to_cluster", lambda r: calls.append(("connect", r))
    )
    monkeypatch.setattr(
        tf.tpu.experimental, "initialize_tpu_system", lambda r: calls.append(("initialise", r))
    )
    monkeypatch.setattr(tf.distribute, "TPUStrategy", Strategy)
    device_config = devices.choose_device("tpu")
    assert device_config.as_dict() == {"kind": "tpu", "strategy": "tpu", "replicas": 8}
    assert calls == [(name, "resolver of pod") for name in ("connect", "initialise", "strategy")]


@pytest.mark.slow
def test_two_mirrored_devices_train_as_one_does(repository):
    # In a process of its own: virtual devices must be made before TensorFlow starts.
    done = subprocess.run(
        [sys.executable, repository / "tests/training/two_devices.py"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(repository)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_threads_are_pinned_and_told():
    threads = devices.pin_threads()
    assert set(threads) == {"intra_op", "inter_op", "blas"}
    assert all(isinstance(count, int) and count >= 0 for count in threads.values())
