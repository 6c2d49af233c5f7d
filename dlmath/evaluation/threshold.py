"""The threshold of a binary task, chosen on validation images and never on test images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from dlmath.errors import DataError, RecipeError
from dlmath.evaluation.bca import LEVEL
from dlmath.evaluation.bootstrap import REPLICATES, cluster_indices, replicate_weights
from dlmath.evaluation.cuts import Cuts
from dlmath.recipe import Recipe
from dlmath.seeds import generator

RULES = ("youden", "accuracy", "sensitivity", "specificity", "costs")

_ROUNDING = 1e-9  # of a count: 0.95 times 20 is not 19 in binary


@dataclass(frozen=True)
class Rule:
    """What the threshold is to be best at.

    Attributes:
        name: `youden`: the highest sensitivity + specificity - 1 (Youden, "Index for rating
            diagnostic tests", Cancer 3(1), 1950). `accuracy`. `sensitivity` of at least `target`,
            and with it the highest specificity; `specificity` of at least `target`, and with it
            the highest sensitivity. `costs`: the least false alarms + miss_cost * misses, at the
            prevalence of the validation images (Zweig, Campbell, "Receiver-operating
            characteristic (ROC) plots", Clinical Chemistry 39(4), 1993).
        target: In (0, 1].
        miss_cost: How many false alarms are as bad as one missed positive image; above 0.
    """

    name: str = "youden"
    target: float = 0.95
    miss_cost: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in RULES:
            raise RecipeError(
                f"`threshold_rule` must be one of {', '.join(RULES)}. "
                f"Received: threshold_rule={self.name!r}"
            )

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the rule that a manifest's `threshold` tells of."""
        fields = {"target": record.get("target"), "miss_cost": record.get("miss_cost")}
        known = {name: value for name, value in fields.items() if value is not None}
        return cls(record.get("rule", "youden"), **known)

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        """Return the rule of a recipe."""
        return cls(recipe.threshold_rule, recipe.threshold_target, recipe.miss_cost)

    def as_dict(self) -> dict[str, Any]:
        """Return the name, and the target or the cost where it matters."""
        if self.name in ("sensitivity", "specificity"):
            return {"rule": self.name, "target": self.target}
        if self.name == "costs":
            return {"rule": self.name, "miss_cost": self.miss_cost}
        return {"rule": self.name}


def choose_threshold(truth: np.ndarray, probability: np.ndarray, rule: str | Rule) -> float:
    """Return the threshold t that serves best when p >= t is decided positive.

    Every decision that a threshold can make is tried. Between two neighbouring scores the
    midpoint is taken, which is as far as can be from both. Of equally good thresholds the
    lowest is taken, which misses the fewest positive images.

    Args:
        truth: (N,) bool, or 1 for positive and 0 for negative.
        probability: (N,), of the positive class, in [0, 1].
        rule: What to be best at, or its name.

    Raises:
        DataError: One of the two classes has no image.
    """
    rule = Rule(rule) if isinstance(rule, str) else rule
    positive = np.asarray(truth, bool)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        raise DataError(
            "A threshold needs images of both classes in the validation part. Received: "
            f"{positives} positive and {negatives} negative images. Raise validation_fraction."
        )
    cuts = Cuts(positive, np.asarray(probability, np.float64))
    return float(_best(rule, cuts, np.ones((1, len(positive))))[0])


def threshold_interval(
    truth: np.ndarray,
    probability: np.ndarray,
    rule: str | Rule,
    patients: Sequence[str | None],
    seed: int,
) -> tuple[float, float] | None:
    """Return where 95 % of the thresholds lie that other patients would have led to.

    It is the percentile interval of the bootstrap by patient: the threshold is not a smooth
    function of the sample, which the finer intervals need. The arguments are those of
    `choose_threshold`, with the patient of each image.

    Returns:
        None with a single patient of a class, without whom there would be no threshold.
    """
    rule = Rule(rule) if isinstance(rule, str) else rule
    positive, clusters = np.asarray(truth, bool), cluster_indices(patients)
    if any(len(np.unique(clusters[chosen])) < 2 for chosen in (positive, ~positive)):
        return None
    cuts = Cuts(positive, np.asarray(probability, np.float64))
    random = generator("threshold", seed)
    drawn = np.concatenate(
        [_best(rule, cuts, weights) for weights in replicate_weights(clusters, REPLICATES, random)]
    )
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _best(rule: Rule, cuts: Cuts, weights: np.ndarray) -> np.ndarray:
    """Return the best threshold, (R,), for weights (R, N); NaN without both classes."""
    missed, rejected = cuts.count(weights)
    best = cuts.candidates[np.argmax(_gain(rule, missed, rejected), axis=1)]
    return np.where((missed[:, -1] > 0) & (rejected[:, -1] > 0), best, np.nan)


def _gain(rule: Rule, missed: np.ndarray, rejected: np.ndarray) -> np.ndarray:
    """Return what the rule makes largest, (R, candidates).

    Whole numbers but for costs, so that equally good means equal. `missed` positives and
    `rejected` negatives lie below the threshold; the last column holds all of them.
    """
    positives, negatives = missed[:, -1:], rejected[:, -1:]
    hits = positives - missed
    if rule.name == "accuracy":
        return rejected - missed
    if rule.name == "costs":
        return rejected - rule.miss_cost * missed
    if rule.name == "sensitivity":
        reached = hits >= rule.target * positives - _ROUNDING
        return np.where(reached, rejected * (positives + 1) + hits, -1)
    if rule.name == "specificity":
        reached = rejected >= rule.target * negatives - _ROUNDING
        return np.where(reached, hits * (negatives + 1) + rejected, -1)
    return rejected * positives - missed * negatives  # Youden's index times both counts
