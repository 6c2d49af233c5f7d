"""The formats of `dlmath export` side by side: speed, size, and how far probabilities are off."""

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from dlmath import models, seeds
from dlmath.bench.timing import Comparison, take_turns
from dlmath.export.litert import QUANTIZATIONS, write_litert
from dlmath.export.onnx import write_onnx
from dlmath.export.saved_model import write_saved_model
from dlmath.export.verification import megabytes
from dlmath.inference.classifier import Classifier
from dlmath.inference.decision_rule import Threshold
from dlmath.inference.export_files import EXPORT_VERSION
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.keras_file import write_keras
from dlmath.inference.runtimes import load_classifier
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT, Reporter

IMAGES = 32
CLASSES = ("a", "b")
BASELINE = "Keras"


def run(rounds: int, reporter: Reporter = SILENT) -> list[Comparison]:
    """Compare the formats on EfficientNet-Lite0 with a head of random weights.

    Raises:
        UserError: The extra `export` is not installed.
    """
    reporter.say("Writing every format …")
    recipe = Recipe(name="bench", classes=CLASSES, backbone="efficientnet_lite0")
    threshold = Threshold(0.5, "nothing")
    model = models.build(recipe)
    size = recipe.image_size
    classifier = KerasClassifier(CLASSES, size, CLASSES[1], threshold, model=model)
    shape = (IMAGES, size, size, 3)
    pixels = seeds.generator("bench").integers(0, 256, shape).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        paths = _write_all(recipe, classifier, pixels, Path(folder))
        exports = {name: load_classifier(path, trust=True) for name, path in paths.items()}
        notes = {name: f"{megabytes(path):.1f} MB" for name, path in paths.items()}
        return [compare_formats(classifier, exports, pixels, rounds, notes, reporter)]


def compare_formats(
    classifier: KerasClassifier,
    others: Mapping[str, Classifier],
    pixels: np.ndarray,
    rounds: int,
    notes: Mapping[str, str],
    reporter: Reporter = SILENT,
) -> Comparison:
    """Compare what computes the same answers in other ways, all in this process.

    Args:
        classifier: The baseline.
        others: By name.
        pixels: uint8 (N, size, size, 3).
        rounds: How often each is measured, in turns.
        notes: Of some of the others, what else a reader should know.
        reporter: Receives the progress.
    """
    ways = {BASELINE: classifier, **others}
    wanted = classifier.predict(pixels).probabilities
    told = dict(notes)
    for name, one in others.items():
        off = np.abs(one.predict(pixels).probabilities - wanted).max()
        told[name] = ", ".join([f"off by {off:.0e}", *([notes[name]] if name in notes else [])])
    return take_turns(
        f"Answers to {len(pixels)} images of {classifier.image_size} px",
        {name: partial(one.predict, pixels) for name, one in ways.items()},
        baseline=BASELINE,
        amount=len(pixels),
        unit="images",
        rounds=rounds,
        reporter=reporter,
        notes=told,
    )


def _write_all(
    recipe: Recipe, classifier: KerasClassifier, pixels: np.ndarray, folder: Path
) -> dict[str, Path]:
    """Write every format, and return the paths by name."""
    metadata = {
        "export_version": EXPORT_VERSION,
        "classes": list(CLASSES),
        "image_size": classifier.image_size,
        "positive_class": classifier.positive_class,
        "threshold": {"value": 0.5, "chosen_on": "nothing"},
        "abstention": {},
    }
    model = folder / "own.keras"
    classifier.model.save(model)
    write_keras(model, recipe, classifier, folder / "model.keras", metadata)
    write_saved_model(classifier, folder / "saved_model", metadata)
    write_onnx(classifier, folder / "onnx", metadata)
    for quantize in QUANTIZATIONS:
        path = folder / f"litert_{quantize}"
        write_litert(classifier, path, metadata, quantize, pixels)
    return {
        "keras, opened again": folder / "model.keras",
        "saved_model": folder / "saved_model",
        "onnx": folder / "onnx",
        "litert": folder / "litert_none",
        "litert, float16": folder / "litert_float16",
        "litert, int8": folder / "litert_int8",
    }
