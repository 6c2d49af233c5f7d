"""Write a classifier as a SavedModel that needs nothing but TensorFlow."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from dlmath.data.image_graph import decode_and_resize_batch
from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.export.decision_graph import OodScoreGraph, decided, decisions
from dlmath.export.heat_map_graph import can_explain, heat_maps
from dlmath.inference.export_files import DISTANCE, SAVED_MODEL_METADATA
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.runs import write_bytes, write_json

VERSION = "1"  # the folder that TensorFlow Serving looks for inside that of the model


def write_saved_model(classifier: KerasClassifier, path: Path, metadata: Mapping[str, Any]) -> None:
    """Write a SavedModel folder, laid out for TensorFlow Serving.

        serving_default(images: string (N,))                 whole PNG or JPEG files
        serve_pixels(pixels: float32 (N, size, size, 3))     RGB in 0..255, resized before
        explain(images: string (N,))                         also `heat_map`, by Grad-CAM

    All return `probabilities`, float32 (N, K), and `classes`, string (N, K): the names in the same
    order, repeated in each row, since TensorFlow Serving joins and splits requests along the first
    axis of every output. The decisions stand next to them, see `decisions`. `heat_map` is float32
    (N, size, size), of the decided class; a network without a feature map has no `explain`.

    TensorFlow Serving loads `path/1`. The same files are linked into `path`, which so can be loaded
    as well.
    """
    graph = _Graph(classifier)
    # No `archive.track(model)`: an archive finds the variables that its endpoints use, and Keras
    # 3.15 writes those of a tracked model a second time.
    archive = keras.export.ExportArchive()
    if graph.ood_score is not None:
        archive.add_variable_collection("distance", graph.ood_score.variables)
    encoded = [tf.TensorSpec((None,), tf.string, name="images")]
    size = classifier.image_size
    pixels = [tf.TensorSpec((None, size, size, 3), tf.float32, name="pixels")]
    archive.add_endpoint("serving_default", graph.serving_default, encoded)
    archive.add_endpoint("serve_pixels", graph.serve_pixels, pixels)
    if can_explain(graph.parts):
        archive.add_endpoint("explain", graph.explain, encoded)
    archive.write_out(path / VERSION, verbose=False)
    write_json(_in_new_folder(path / VERSION / SAVED_MODEL_METADATA), dict(metadata))
    if classifier.ood_score is not None:
        content = classifier.ood_score.to_bytes()
        write_bytes(path / VERSION / SAVED_MODEL_METADATA.parent / DISTANCE, content)
    for entry in sorted((path / VERSION).iterdir()):
        _link(entry, path)


class _Graph:
    """The functions of the signatures, traced by Keras when they become endpoints."""

    def __init__(self, classifier: KerasClassifier):
        self.classifier = classifier
        self.parts = ClassifierParts(classifier.model)
        ood_score = classifier.ood_score
        self.ood_score = None if ood_score is None else OodScoreGraph(ood_score)

    def serve_pixels(self, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities, features = self.classifier.outputs_in_graph(pixels)
        probabilities = tf.cast(probabilities, tf.float32)
        names = tf.constant([list(self.classifier.classes)])  # (1, K)
        return {
            "probabilities": probabilities,
            "classes": tf.repeat(names, tf.shape(probabilities)[0], axis=0),
            **decisions(self.classifier, probabilities, self._ood_scores(features)),
        }

    def _ood_scores(self, features: tf.Tensor | None) -> tf.Tensor | None:
        return None if self.ood_score is None else self.ood_score(features)

    def serving_default(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.serve_pixels(self._pixels(images))

    def explain(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        pixels = self._pixels(images)
        served = self.serve_pixels(pixels)
        index = decided(self.classifier, tf.cast(served["probabilities"], tf.float64))
        return {**served, "heat_map": heat_maps(self.parts, pixels, index)}

    def _pixels(self, images: tf.Tensor) -> tf.Tensor:
        return tf.cast(decode_and_resize_batch(images, self.classifier.image_size), tf.float32)


def _in_new_folder(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _link(entry: Path, folder: Path) -> None:
    """Link a file of the version's folder into the folder above."""
    link = folder / entry.name
    try:
        link.symlink_to(Path(entry.parent.name, entry.name), target_is_directory=entry.is_dir())
    except OSError:  # Windows asks for a privilege, and some network drives have no links
        copy = shutil.copytree if entry.is_dir() else shutil.copyfile
        copy(entry, link)
