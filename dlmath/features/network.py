"""The network below the head, frozen: variables folded to constants, in the fastest runtime.

What `dlmath bench extraction` measures on two cores, as multiples of stock Keras, is in
`docs/speed.md`: LiteRT with one interpreter a core comes first, the folded graph in TensorFlow
second. Keras itself stays as the fallback, and is what runs on a GPU.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlmath import seeds
from dlmath.data.conversion_version import reading_version
from dlmath.features.convert import to_litert
from dlmath.features.folding import leaf_layers
from dlmath.features.row_formats import SINGLE, RowFormat
from dlmath.features.store import FeatureStore, content_name, writing_to
from dlmath.inference.network import Network
from dlmath.runs import cache_home, write_bytes

# The largest difference of a feature, relative to the largest feature (or to 1, if that is less).
TOLERANCE = 1e-4

Runner = Callable[[np.ndarray], np.ndarray]  # pixels (n, S, S, 3) in 0..255 to float32 (n, D)


@dataclass(frozen=True, eq=False)
class FrozenNetwork:
    """A frozen network that can compute features in several threads at once.

    Attributes:
        key: Hash of all that decides a feature: weights, architecture, preprocessing, runtime.
        image_size: Side S of the images in pixels.
        feature_count: Number D of features.
        runtime: Its name and version.
        content: The LiteRT file; None where Keras computes.
        make_runner: Makes what computes; each thread needs its own.
        threads: How many threads keep all cores busy.
        batch_size: Images at a time, the same for all so that the memory stays bounded.
        row_format: In which the cache keeps its features.
    """

    key: str
    image_size: int
    feature_count: int
    runtime: str
    content: bytes | None
    make_runner: Callable[[], Runner]
    threads: int
    batch_size: int
    row_format: RowFormat = SINGLE

    @property
    def folder(self) -> Path:
        """The folder in which the cache keeps this network and its features."""
        return _folder(self.key)

    @cached_property
    def store(self) -> FeatureStore:
        """The features in the cache, checked once in the life of this object."""
        return FeatureStore(self.folder, self.feature_count, self.row_format)


def feature_model(classifier: keras.Model) -> keras.Model:
    """Return the part of a classifier below its last dense layer: images to (N, D) features."""
    return keras.Model(classifier.input, classifier.get_layer("logits").input, name="features")


def freeze(classifier: keras.Model, kind: str = "cpu") -> FrozenNetwork:
    """Freeze what lies below the head, as LiteRT on a CPU where that agrees with Keras.

    A conversion that was checked before is taken from the cache.

    Args:
        classifier: As `dlmath.models.build` makes it. Later changes of its weights have no effect.
        kind: cpu, gpu or tpu; LiteRT computes only on the first.
    """
    return freeze_network(feature_model(classifier), kind)


def freeze_network(model: keras.Model, kind: str = "cpu") -> FrozenNetwork:
    """Freeze a network from images to features (N, D); see `freeze`."""
    if kind == "cpu":
        runtime = litert_runtime()
        key = network_key(model, runtime)
        content = _converted(model, _folder(key))
        if content is not None:
            return _on_litert(model, key, runtime, content)
    return _on_keras(model, kind)


def litert_runtime() -> str:
    """Return the name and version of LiteRT, which decide the last bits of a feature."""
    return f"litert {version('ai-edge-litert')}"


def network_key(model: keras.Model, runtime: str) -> str:
    """Return the hash of all that decides a feature of an image."""
    decisive = [reading_version(), runtime, model.input_shape[1:]]
    digest = hashlib.sha256(json.dumps(decisive).encode())
    for layer in leaf_layers(model):
        if not isinstance(layer, keras.layers.Dropout):  # which does nothing here
            digest.update(json.dumps(_decisive(layer), sort_keys=True).encode())
    for weights in model.get_weights():
        digest.update(f"{weights.dtype}{weights.shape}".encode())
        digest.update(np.ascontiguousarray(weights).data)
    return digest.hexdigest()


def _decisive(layer: keras.layers.Layer) -> list[Any]:
    """Return what decides the output of a layer, next to its weights.

    Names do not: Keras numbers some of them by what was built before in the same process.
    """
    irrelevant = ("name", "trainable", "_initializer", "_regularizer", "_constraint")
    config = {k: v for k, v in layer.get_config().items() if not k.endswith(irrelevant)}
    return [type(layer).__name__, config]


def _on_litert(model: keras.Model, key: str, runtime: str, content: bytes) -> FrozenNetwork:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return FrozenNetwork(
        key=key,
        image_size=model.input_shape[1],
        feature_count=model.output_shape[-1],
        runtime=runtime,
        content=content,
        # One interpreter of one thread a core: no core waits for another at the end of a layer.
        make_runner=lambda: Network(content, threads=1),
        threads=cores or 1,
        # A larger batch falls out of a core's own cache between layers, and takes a tenth longer.
        batch_size=2,
    )


def _on_keras(model: keras.Model, kind: str) -> FrozenNetwork:
    runtime = f"keras {keras.__version__} {kind}"
    runner = _keras_runner(model)
    return FrozenNetwork(
        key=network_key(model, runtime),
        image_size=model.input_shape[1],
        feature_count=model.output_shape[-1],
        runtime=runtime,
        content=None,
        make_runner=lambda: runner,
        threads=2,  # one decodes while the other's batch is computed
        batch_size=32,
    )


def _keras_runner(model: keras.Model) -> Runner:
    spec = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
    call = tf.function(lambda images: model(images, training=False), autograph=False)
    concrete = call.get_concrete_function(spec)
    return lambda pixels: concrete(tf.cast(tf.constant(pixels), tf.float32)).numpy()


def _converted(model: keras.Model, folder: Path) -> bytes | None:
    """Return the LiteRT file, checked once and then kept; None where it is wrong.

    Like a segment of features it is named after the hash of its bytes, so that damage shows.
    """
    for path in folder.glob("*.tflite"):
        content = path.read_bytes()
        if content_name(content) == path.stem:
            return content
        path.unlink(missing_ok=True)
    converted = to_litert(model)
    if converted is None or not agrees(model, converted):
        return None
    with writing_to(folder):
        write_bytes(folder / f"{content_name(converted)}.tflite", converted)
    return converted


def agrees(model: keras.Model, content: bytes) -> bool:
    """Return whether LiteRT computes the features that Keras computes, within `TOLERANCE`."""
    draw = seeds.generator("frozen network")
    noise = draw.integers(0, 256, (4, *model.input_shape[1:]))
    # Pure noise averages out in the network; smooth ramps are closer to what images hold.
    ramp = np.linspace(0, 255, noise[0].size).reshape(noise[0].shape)
    pixels = np.concatenate([noise, [ramp, ramp[::-1]]]).astype(np.float32)
    wanted = _keras_runner(model)(pixels)
    found = Network(content)(pixels)
    allowed = TOLERANCE * max(1.0, float(np.abs(wanted).max()))
    return bool(np.abs(found - wanted).max() <= allowed)


def _folder(key: str) -> Path:
    return cache_home() / "features" / key[:32]
