"""Metrics of several models that each predicted other images: the folds of a cross-validation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dlmath.evaluation.evaluation_result import Evaluation, measure
from dlmath.evaluation.metric_table import names_of
from dlmath.evaluation.predictions import Predictions
from dlmath.evaluation.selective_metrics import answered_by_class, measure_selective
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.inference.run_files import stored_decision
from dlmath.recipe import Recipe
from dlmath.runs import Run
from dlmath.stats.bootstrap import cluster_indices

_MIDDLE = 0.5


@dataclass(frozen=True)
class _Fold:
    predictions: Predictions
    rule: DecisionRule


def pooled(runs: Sequence[Run], recipe: Recipe) -> Evaluation:
    """Return every metric over the test images of all runs together, with intervals by patient.

    Each image is decided by the threshold of the model that predicted it. AUC and the metrics of
    probabilities compare the probabilities of different models with one another, which costs them
    a little where the models are not equally calibrated.

    Args:
        runs: Evaluated, on images that do not overlap.
        recipe: Which they share.

    Raises:
        RunError: A run's predictions are missing or damaged.
    """
    folds = [_Fold(Predictions.read(run), DecisionRule(**stored_decision(run))) for run in runs]
    truth = np.concatenate([fold.predictions.truth for fold in folds])
    patients = [patient for fold in folds for patient in fold.predictions.patients]

    def measured(parts: Sequence[np.ndarray]) -> Evaluation:
        threshold = Threshold(_MIDDLE, "validation") if recipe.is_binary else None
        positive = recipe.positive_class if recipe.is_binary else None
        rule = DecisionRule(recipe.classes, recipe.image_size, positive, threshold)
        return measure(
            rule,
            truth,
            np.concatenate(parts),
            patients,
            task=recipe.name,
            split="folds",
            seed=recipe.seed,
        )

    raw = measured([fold.predictions.probabilities for fold in folds])
    selective = _selective(folds, patients, recipe)
    if not recipe.is_binary:
        return replace(raw, selective=selective)
    positive = recipe.classes.index(recipe.positive_class)
    decided = measured([_around_the_middle(fold, positive) for fold in folds])
    # Each fold's own threshold decides; metrics of the probabilities are those of all together.
    of_probabilities = names_of("ranking", "probability")
    metrics = {
        name: raw.metrics[name] if name in of_probabilities else metric
        for name, metric in decided.metrics.items()
    }
    methods = {
        name: raw.methods[name] if name in of_probabilities else method
        for name, method in decided.methods.items()
    }
    return replace(decided, metrics=metrics, methods=methods, threshold=None, selective=selective)


def _selective(
    folds: Sequence[_Fold], patients: Sequence[str | None], recipe: Recipe
) -> dict[str, Any]:
    """Return the metrics of abstaining, each image by the limits of the model that predicted it."""

    def together(parts: Iterable[np.ndarray | None]) -> np.ndarray | None:
        known = [part for part in parts if part is not None]
        return np.concatenate(known) if len(known) == len(folds) else None

    rules = [(fold.rule, fold.predictions) for fold in folds]
    abstains = together(by.abstains(one.probabilities, one.ood_scores) for by, one in rules)
    figures = measure_selective(
        np.concatenate([by.decide(one.probabilities) != one.truth for by, one in rules]),
        np.concatenate([by.confidence(one.probabilities) for by, one in rules]),
        cluster_indices(patients),
        abstains=abstains,
        out_of_distribution=together(by.out_of_distribution(one.ood_scores) for by, one in rules),
        seed=recipe.seed,
    )
    truth = np.concatenate([fold.predictions.truth for fold in folds])
    answered = answered_by_class(truth, abstains, recipe.classes)
    return {"least_confidence": None, "greatest_distance": None, **figures, "answered": answered}


def _around_the_middle(fold: _Fold, positive: int) -> np.ndarray:
    """Return probabilities (N, 2) that are at least 0.5 just where the fold decides positive."""
    decided = fold.rule.decide(fold.predictions.probabilities) == positive
    return np.where(np.arange(2) == positive, decided[:, None], ~decided[:, None]).astype(float)
