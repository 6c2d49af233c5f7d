"""Measure what fewer bits cost: the accuracy of an export and of its run on validation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.data.pixels import load_pixels
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import Split
from dlmath.errors import VerificationError
from dlmath.evaluation.composition import class_counts
from dlmath.evaluation.paired import mcnemar_test
from dlmath.export.verification_set import spread
from dlmath.inference.classifier import Classifier
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.litert_onnx import LiteRTClassifier
from dlmath.number_text import SENTENCE, estimate_text
from dlmath.seeds import generator
from dlmath.stats.bootstrap import cluster_indices, estimate

CALIBRATION_IMAGES = 200  # their activations give the ranges of the integers
VALIDATION_IMAGES = 1_000
# Of the accuracy: an export that surely loses more than a percentage point is another model.
ACCEPTED_LOSS = 0.01


def calibration_pixels(parts: Split, image_size: int) -> np.ndarray:
    """Return training images spread over that part, uint8 (n, size, size, 3)."""
    return _load(spread(parts.part("train"), CALIBRATION_IMAGES), image_size)[0]


def measure_loss(parts: Split, classifier: KerasClassifier, built: Path) -> dict[str, Any]:
    """Return `compare_accuracy` on the validation part.

    Raises:
        VerificationError: Even the lower end of the loss's interval is above `ACCEPTED_LOSS`; of a
            single patient, which has no interval, the loss itself.
    """
    examples = spread(parts.part("validation"), VALIDATION_IMAGES)
    compared = compare_accuracy(examples, classifier, LiteRTClassifier.load(built))
    loss = compared["loss"]
    least = loss["value"] if loss["low"] is None else loss["low"]
    if not least <= ACCEPTED_LOSS:
        raise VerificationError(
            f"The export loses {estimate_text(**loss, style=SENTENCE)} of the accuracy on "
            f"{compared['images']} validation images, and {ACCEPTED_LOSS:g} is allowed. It was "
            "not kept."
        )
    return compared


def compare_accuracy(
    examples: Sequence[ImageRecord], classifier: KerasClassifier, export: Classifier
) -> dict[str, Any]:
    """Compare an export's accuracy with the run's, image by image.

    Returns:
        The number of images, by class too, how many decisions differ, both accuracies, the loss
        (the run's less the export's) with its 95 % interval from a bootstrap over patients, and
        McNemar's exact test, of images and of patients.
    """
    pixels, kept = _load(examples, classifier.image_size)
    truth = np.array([classifier.classes.index(one.label) for one in kept])
    decided = [one.decide(one.predict(pixels).probabilities) for one in (classifier, export)]
    right = (decided[0] == truth, decided[1] == truth)
    clusters = cluster_indices([one.patient for one in kept])
    lost = right[0].astype(float) - right[1]
    found, _ = estimate(
        lambda weights: {"loss": weights @ lost / weights.sum(axis=1)},
        clusters,
        generator("loss of an export"),
    )
    loss = found["loss"]
    return {
        "images": len(kept),
        "by_class": class_counts(truth, classifier.classes),
        "changed_decisions": int((decided[0] != decided[1]).sum()),
        "accuracy": float(right[0].mean()),
        "accuracy_of_export": float(right[1].mean()),
        "loss": {"value": loss.value, "low": loss.low, "high": loss.high},
        "mcnemar": mcnemar_test(right, clusters)._asdict(),
    }


def _load(
    examples: Sequence[ImageRecord], image_size: int
) -> tuple[np.ndarray, tuple[ImageRecord, ...]]:
    pixels = load_pixels(examples, image_size, on_bad_file="skip")
    return np.asarray(pixels.array), pixels.examples
