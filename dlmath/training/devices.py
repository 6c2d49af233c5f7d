"""The hardware that trains, as a `tf.distribute` strategy.

A device that is asked for and missing is an error; there is no silent change to the CPU.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from threadpoolctl import threadpool_info, threadpool_limits

from dlmath.errors import DeviceError

DEVICES = ("auto", "cpu", "gpu", "tpu")
STRATEGIES = ("auto", "one", "mirrored", "tpu")


@dataclass(frozen=True)
class DeviceConfig:
    """The device on which a model is built and trained.

    Attributes:
        kind: cpu, gpu or tpu.
        name: one, mirrored or tpu.
        strategy: The strategy under whose scope model and optimizer are made.
    """

    kind: str
    name: str
    strategy: tf.distribute.Strategy

    def as_dict(self) -> dict[str, Any]:
        """Return the manifest's entry."""
        return {
            "kind": self.kind,
            "strategy": self.name,
            "replicas": self.strategy.num_replicas_in_sync,
        }


def choose_device(device: str = "auto", strategy: str = "auto") -> DeviceConfig:
    """Return the device for a choice of `--device` and `--strategy`.

    Args:
        device: One of `DEVICES`. `auto` takes the GPUs where there are any, else the CPU; a
            TPU is taken only when it is asked for, since looking for one can hang.
        strategy: One of `STRATEGIES`. `auto` mirrors over several GPUs, else takes one device.

    Raises:
        DeviceError: The hardware is missing, or the two choices contradict each other.
    """
    _check_choice("device", device, DEVICES)
    _check_choice("strategy", strategy, STRATEGIES)
    if device == "tpu" or strategy == "tpu":
        return _tpu(device, strategy)
    gpus = tf.config.list_logical_devices("GPU")
    if device == "gpu" and not gpus:
        raise DeviceError(
            "TensorFlow sees no GPU here. Install the GPU build (pip install 'dlmath[gpu]'), "
            "check the driver with nvidia-smi, or train with --device cpu."
        )
    kind = "gpu" if gpus and device != "cpu" else "cpu"
    devices = [found.name for found in tf.config.list_logical_devices(kind.upper())]
    if strategy == "mirrored" or (strategy == "auto" and kind == "gpu" and len(devices) > 1):
        return DeviceConfig(kind, "mirrored", tf.distribute.MirroredStrategy(devices))
    return DeviceConfig(kind, "one", tf.distribute.OneDeviceStrategy(devices[0]))


def _tpu(device: str, strategy: str) -> DeviceConfig:
    if device not in ("auto", "tpu") or strategy not in ("auto", "tpu"):
        raise DeviceError(
            "A TPU is used with --device tpu and --strategy tpu (or auto) together. "
            f"Received: device={device!r}, strategy={strategy!r}"
        )
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(
            tpu=os.environ.get("TPU_NAME", "")
        )
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return DeviceConfig("tpu", "tpu", tf.distribute.TPUStrategy(resolver))
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise DeviceError(
            f"No TPU can be reached ({reason}). Name one in TPU_NAME, or train with --device cpu."
        ) from error


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise DeviceError(
            f"`{name}` must be one of {', '.join(choices)}. Received: {name}={value!r}"
        )


def pin_threads(recorded: Mapping[str, int] | None = None) -> dict[str, int]:
    """Set the numbers of threads: those recorded, or the cores that this process may use.

    The order in which threads add up floating-point numbers decides the last bits of a
    result, so a run records the count and a resumed run takes the same, even on a machine of
    fewer cores. Where TensorFlow has started already, it is too late to set them.

    Returns:
        The numbers in force; 0 leaves the choice to TensorFlow.
    """
    threads = {**dict.fromkeys(("intra_op", "inter_op", "blas"), _cores()), **(recorded or {})}
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads["intra_op"])
        tf.config.threading.set_inter_op_parallelism_threads(threads["inter_op"])
    except RuntimeError:  # the context exists: too late to choose
        pass
    threadpool_limits(threads["blas"], "blas")
    return threads_in_force()


def threads_in_force() -> dict[str, int]:
    """Return the numbers of threads of TensorFlow and of the linear algebra below NumPy."""
    blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {
        "intra_op": tf.config.threading.get_intra_op_parallelism_threads(),
        "inter_op": tf.config.threading.get_inter_op_parallelism_threads(),
        "blas": max(blas, default=1),
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
