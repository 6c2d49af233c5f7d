"""What is measured and decided on the validation part, whichever way the model was fitted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from dlmath.errors import DivergedError
from dlmath.evaluation.threshold import Rule, choose_threshold, threshold_interval
from dlmath.recipe import Recipe


def measure(probabilities: np.ndarray, labels: np.ndarray, recipe: Recipe) -> dict[str, float]:
    """Return the validation loss, AUC and accuracy at the most probable class.

    Args:
        probabilities: (N, K).
        labels: (N,) class indices.
        recipe: Its classes and positive class.

    Raises:
        DivergedError: A probability is not a number.
    """
    probabilities = _normalised(probabilities)
    if recipe.is_binary:
        auc = roc_auc_score(*_binary_view(probabilities, labels, recipe))
    else:
        auc = roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    return {
        "val_loss": float(log_loss(labels, probabilities, labels=range(len(recipe.classes)))),
        "val_auc": float(auc),
        "val_accuracy": float(accuracy_score(labels, probabilities.argmax(axis=1))),
    }


def decide(
    probabilities: np.ndarray,
    labels: np.ndarray,
    patients: Sequence[str | None],
    recipe: Recipe,
) -> dict[str, Any] | None:
    """Return the threshold, how it was chosen and its interval; None for more than two classes.

    Args:
        probabilities: (N, K).
        labels: (N,) class indices.
        patients: N names; None where it is not known whose the images are.
        recipe: Its classes, positive class and rule.
    """
    if not recipe.is_binary:
        return None
    truth, score = _binary_view(_normalised(probabilities), labels, recipe)
    rule = Rule.of(recipe)
    value = choose_threshold(truth, score, rule)
    low, high = threshold_interval(truth, score, rule, patients, recipe.seed) or (None, None)
    return {
        "value": value,
        "low": low,
        "high": high,
        "chosen_on": "validation",
        **rule.as_dict(),
    }


def _binary_view(
    probabilities: np.ndarray, labels: np.ndarray, recipe: Recipe
) -> tuple[np.ndarray, np.ndarray]:
    positive = recipe.classes.index(recipe.positive_class)
    return labels == positive, probabilities[:, positive]


def _normalised(probabilities: np.ndarray) -> np.ndarray:
    if not np.isfinite(probabilities).all():
        raise DivergedError(
            "The model's probabilities on the validation part are not numbers any more. "
            "Try a tenth of the learning rate with --learning-rate."
        )
    # float32 softmax sums to 1 within 1e-7 only, and log_loss warns of that in float64.
    return probabilities / probabilities.sum(axis=1, keepdims=True)
