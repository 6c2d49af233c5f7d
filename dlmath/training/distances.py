"""Write what finds images unlike the training images: the out-of-distribution score, and drift.

The score is fitted to training images, and its limit is chosen on validation: an image that was
trained on is nearer than any other of its kind.
"""

import hashlib
import os
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np

from dlmath.data.rows import Rows
from dlmath.features.network import Runner, feature_model
from dlmath.inference.light_classifier import softmax
from dlmath.inference.network import Network
from dlmath.inference.ood_fit import fit_ood_score, ood_limit
from dlmath.inference.ood_score import OodScore
from dlmath.inference.probabilities import predict_probabilities
from dlmath.reporting import Reporter
from dlmath.runs import Run, write_bytes
from dlmath.seeds import generator

# Training images whose features are computed only for the distance: enough for a covariance of some
# hundred features, and less than an epoch where there are more.
MOST_IMAGES = 4_096

_AT_ONCE = 16


@dataclass(frozen=True)
class ReferenceFeatures:
    """What the out-of-distribution score and drift are measured against.

    Attributes:
        ood_score: The score fitted to training images; None where their features give none.
        train_images: N, the number of those images.
        validation: (M, D) of all validation images.
        probabilities: (M, K) of the validation images.
    """

    ood_score: OodScore | None
    train_images: int
    validation: np.ndarray
    probabilities: np.ndarray


def write_ood_score(
    run: Run, ood_score: OodScore | None, images: int, validation: np.ndarray, share: float
) -> dict[str, Any] | None:
    """Choose the limit of the out-of-distribution score, write it, and return the manifest's entry.

    Args:
        run: The run that gets `light/distance.npz`.
        ood_score: As `fit_ood_score` returns it.
        images: The number of training images that it was fitted to.
        validation: (M, D) features of validation images.
        share: Of the validation images that lie within the limit, above 0 and at most 1.

    Returns:
        None where there is no score; then nothing is written.
    """
    if ood_score is None:
        return None
    ood_scores = ood_score(validation.astype(np.float64))
    ood_scores = ood_scores[np.isfinite(ood_scores)]
    if not len(ood_scores):
        return None
    content = ood_score.to_bytes()
    write_bytes(run.light_ood_path, content)
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "limit": ood_limit(ood_scores, share),
        "share": share,
        "chosen_on": "validation",
        "images": images,
        "validation_images": len(ood_scores),
    }


def features_of_images(
    run: Run,
    model: keras.Model,
    train: Rows,
    train_labels: np.ndarray,
    validation: Rows,
    reporter: Reporter,
    *,
    is_light: bool,
) -> ReferenceFeatures:
    """Compute the features of the validation images, and of training images drawn by the seed.

    Args:
        run: The run, with its light form if it has one.
        model: The trained classifier.
        train: uint8 (N, S, S, 3), the training images.
        train_labels: (N,) their class indices.
        validation: uint8 (M, S, S, 3), the validation images.
        reporter: Receives the progress.
        is_light: Whether the light form computes the features, which is faster on a CPU.
    """
    order = generator("distance", run.recipe.seed).permutation(len(train_labels))
    chosen = np.sort(order[:MOST_IMAGES])
    compute = features_of(run, model, is_light=is_light)

    def features(pixels: Rows, rows: np.ndarray, task: str) -> np.ndarray:
        parts = []
        for first in range(0, len(rows), _AT_ONCE):  # the pixels may be mapped from a file
            parts.append(compute(pixels[rows[first : first + _AT_ONCE]]))
            done = min(first + _AT_ONCE, len(rows))
            reporter.progress(f"features of {task} images", done, len(rows))
        return np.concatenate(parts)

    known = features(train, chosen, "training")
    unseen = features(validation, np.arange(len(validation)), "validation")
    kernel, bias = model.get_layer("logits").get_weights()
    probabilities = softmax(unseen.astype(np.float64) @ kernel + bias)
    ood_score = fit_ood_score(known, train_labels[chosen])
    return ReferenceFeatures(ood_score, len(known), unseen, probabilities)


def features_of(run: Run, model: keras.Model, *, is_light: bool) -> Runner:
    """Return the function that computes the features of a model trained by steps.

    Args:
        run: The run, with its light form if it has one.
        model: The classifier.
        is_light: Whether the light form computes them, which is faster on a CPU.
    """
    if is_light:
        return Network(run.light_network_path, threads=os.cpu_count() or 1)
    return partial(predict_probabilities, feature_model(model))
