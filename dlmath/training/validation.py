"""Metrics and decisions on the validation part, for both trainers."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from dlmath.errors import DataError, DivergedError
from dlmath.evaluation.selective import abstain_at_coverage, abstain_at_risk
from dlmath.evaluation.threshold import Rule, choose_threshold, threshold_interval
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter


def measure(probabilities: np.ndarray, labels: np.ndarray, recipe: Recipe) -> dict[str, float]:
    """Return the validation loss, AUC and accuracy at the most probable class.

    Args:
        probabilities: (N, K).
        labels: (N,) class indices.
        recipe: The recipe, with its classes and positive class.

    Raises:
        DivergedError: A probability is not a number.
    """
    probabilities = _normalised(probabilities)
    return {
        "val_loss": float(log_loss(labels, probabilities, labels=range(len(recipe.classes)))),
        "val_auc": auc(probabilities, labels, recipe),
        "val_accuracy": float(accuracy_score(labels, probabilities.argmax(axis=1))),
    }


def auc(probabilities: np.ndarray, labels: np.ndarray, recipe: Recipe) -> float:
    """Return the area under the ROC curve; of more than two classes the mean of one against rest.

    Args:
        probabilities: (N, K).
        labels: (N,) class indices.
        recipe: The recipe, with its classes and positive class.

    Raises:
        DivergedError: A probability is not a number.
    """
    probabilities = _normalised(probabilities)
    if recipe.is_binary:
        return float(roc_auc_score(*_binary_view(probabilities, labels, recipe)))
    return float(roc_auc_score(labels, probabilities, multi_class="ovr", average="macro"))


def decisions(
    probabilities: np.ndarray,
    labels: np.ndarray,
    patients: Sequence[str | None],
    recipe: Recipe,
    reporter: Reporter,
    stressed: tuple[np.ndarray, np.ndarray] | None = None,
) -> dict[str, Any]:
    """Choose the threshold and the abstention on the validation part.

    Args:
        probabilities: (N, K).
        labels: (N,) class indices.
        patients: N patients; None for an image of an unknown patient.
        recipe: The recipe, with its classes and rules.
        reporter: Receives the warning about a rule that cannot be kept.
        stressed: Probabilities (M, K) of composites and the rows (M,) whose regions they show, on
            which the threshold is chosen instead; None where the recipe chooses on plain images.

    Returns:
        The manifest's entries `threshold` and `abstention`.
    """
    if stressed is None:
        threshold = decide(probabilities, labels, patients, recipe)
    else:
        found, rows = stressed
        threshold = decide(found, labels[rows], [patients[row] for row in rows], recipe)
        threshold = threshold and {**threshold, "images": "stressed"}
    value = None if threshold is None else Threshold(threshold["value"], "validation")
    positive = recipe.positive_class if recipe.is_binary else None
    rule = DecisionRule(recipe.classes, recipe.image_size, positive, value)
    abstention = choose_abstention(rule, probabilities, labels, recipe)
    if abstention is not None and "why" in abstention:
        reporter.say(f"Warning: no answer will be marked as unsure. {abstention['why']}")
    return {"threshold": threshold, "abstention": abstention}


def choose_abstention(
    rule: DecisionRule, probabilities: np.ndarray, labels: np.ndarray, recipe: Recipe
) -> dict[str, Any] | None:
    """Return the confidence below which an answer is unsure; None where the recipe wants none.

    Args:
        rule: The decision rule with the chosen threshold.
        probabilities: (N, K).
        labels: (N,) class indices.
        recipe: The recipe, with `abstain_rule` and the coverage or the risk to keep.

    Returns:
        The rule, the least confidence, and its coverage and risk on these images; or the reason why
        no confidence keeps the rule.
    """
    if recipe.abstain_rule == "none":
        return None
    wrong, confidence = rule.decide(probabilities) != labels, rule.confidence(probabilities)
    by_coverage = recipe.abstain_rule == "coverage"
    target = recipe.abstain_coverage if by_coverage else recipe.abstain_risk
    record = {"rule": recipe.abstain_rule, "target": target}
    try:
        choose = abstain_at_coverage if by_coverage else abstain_at_risk
        chosen = choose(wrong, confidence, target)
    except DataError as error:
        return {**record, "why": str(error)}
    return {**record, **asdict(chosen), "chosen_on": "validation", "images": len(labels)}


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
        patients: N patients; None for an image of an unknown patient.
        recipe: The recipe, with its classes, positive class and rule.
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
            "The model's probabilities on the validation part are not numbers any more."
        )
    # float32 softmax sums to 1 within 1e-7 only, and log_loss warns of that in float64.
    return probabilities / probabilities.sum(axis=1, keepdims=True)
