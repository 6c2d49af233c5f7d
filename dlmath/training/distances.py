"""Write what finds images unlike the training images: the out-of-distribution score, and drift.

The score is fitted to training images, and its limit is chosen on validation: an image that was
trained on is nearer than any other of its kind.
"""

import hashlib
import os
from functools import partial
from typing import Any

import numpy as np

from dlmath.drift.pictures import describe
from dlmath.drift.reference import write_reference
from dlmath.features.network import Runner, feature_model
from dlmath.inference.light_classifier import softmax
from dlmath.inference.network import Network
from dlmath.inference.ood_fit import fit_ood_score, ood_limit
from dlmath.inference.probabilities import predict_probabilities
from dlmath.reporting import Reporter
from dlmath.runs import Run, write_bytes
from dlmath.seeds import generator
from dlmath.training.ingredients import Ingredients

# Training images that are computed for it alone: enough for a covariance of some hundred features,
# and less than an epoch where there are more.
MOST_IMAGES = 4_096

_AT_ONCE = 16


def write_ood_score(
    run: Run, train: np.ndarray, labels: np.ndarray, validation: np.ndarray, share: float
) -> dict[str, Any] | None:
    """Fit and write the out-of-distribution score; return its entry in the manifest.

    Args:
        run: Gets `light/distance.npz`.
        train: (N, D) features of training images.
        labels: (N,) their class indices.
        validation: (M, D) features of validation images.
        share: Of the validation images that lie within the limit, above 0 and at most 1.

    Returns:
        None where the features give no score; then nothing is written.
    """
    ood_score = fit_ood_score(train, labels)
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
        "images": len(train),
        "validation_images": len(ood_scores),
    }


def write_ood_score_of_images(
    run: Run, ingredients: Ingredients, is_light: bool, reporter: Reporter
) -> dict[str, Any]:
    """Compute the features of a model that was trained by steps, and write score and reference.

    Args:
        run: With its light form, if it has one.
        ingredients: The trained model and its images.
        is_light: Whether the light form computes the features, which is faster on a CPU.
        reporter: Receives the progress.

    Returns:
        What the manifest says of both: `ood_score`, see `write_ood_score`, and `drift`.
    """
    train, recipe = ingredients.train, ingredients.recipe
    order = generator("distance", recipe.seed).permutation(len(train.labels))
    chosen = np.sort(order[:MOST_IMAGES])
    validation = ingredients.validation
    compute = features_of(run, ingredients, is_light=is_light)

    def features(pixels: np.ndarray, rows: np.ndarray, task: str) -> np.ndarray:
        parts = []
        for first in range(0, len(rows), _AT_ONCE):  # the pixels may be mapped from a file
            parts.append(compute(pixels[rows[first : first + _AT_ONCE]]))
            done = min(first + _AT_ONCE, len(rows))
            reporter.progress(f"features of {task} images", done, len(rows))
        return np.concatenate(parts)

    known = features(train.pixels.array, chosen, "training")
    every = np.arange(len(validation.labels))
    unseen = features(validation.pixels.array, every, "validation")
    kernel, bias = ingredients.model.get_layer("logits").get_weights()
    probabilities = softmax(unseen.astype(np.float64) @ kernel + bias)
    patients = [example.patient for example in validation.pixels.examples]
    pictures = describe(validation.pixels.array)
    return {
        "ood_score": write_ood_score(
            run, known, train.labels[chosen], unseen, recipe.in_distribution_share
        ),
        "drift": write_reference(run, unseen, probabilities, validation.labels, patients, pictures),
    }


def features_of(run: Run, ingredients: Ingredients, *, is_light: bool) -> Runner:
    """Return what computes the features of a model that was trained by steps.

    Args:
        run: With its light form, if it has one.
        ingredients: The model.
        is_light: Whether the light form computes them, which is faster on a CPU.
    """
    if is_light:
        return Network(run.light_network_path, threads=os.cpu_count() or 1)
    return partial(predict_probabilities, feature_model(ingredients.model))
