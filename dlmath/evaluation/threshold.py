"""The threshold of a binary task, chosen on validation images and never on test images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from dlmath.errors import DataError, RecipeError
from dlmath.evaluation.decisions import ratio
from dlmath.inference.decision_rule import decide_binary
from dlmath.recipe import Recipe
from dlmath.seeds import generator
from dlmath.stats.bootstrap import LEVEL, cluster_indices, replicate_weights
from dlmath.stats.proportions import share_of_images

RULES = ("youden", "accuracy", "sensitivity", "specificity", "costs")

_MOST_TRIED = 150  # thresholds of which is tested whether they are best
_REPLICATES = 1_000
_REACH = 2.0  # standard errors
_ROUNDING = 1e-9  # of a count: 0.95 times 20 is not 19 in binary


def place_of_choice(record: Mapping[str, Any], plain: str) -> str:
    """Return what a threshold was chosen on, in words.

    Args:
        record: The manifest's `threshold`, or an evaluation's `threshold_choice`.
        plain: What to say where it was chosen on the validation images as they are.
    """
    return "composites of validation images" if record.get("images") == "stressed" else plain


class Cuts:
    """Every way to cut images into those below a threshold and those at or above it.

    Attributes:
        candidates: (C,) one threshold for each cut, the lowest first: below all scores, midway
            between each two, and above all.
        scores: (C + 1,) what the candidates lie between: 0, the distinct scores, and 1 or, with an
            image at 1, the number after it.
    """

    def __init__(self, positive: np.ndarray, probability: np.ndarray) -> None:
        self._order = np.argsort(probability, kind="stable")
        self._positive = positive[self._order]
        scores, first = np.unique(probability[self._order], return_index=True)
        # At the i-th candidate the images of the i lowest scores are decided negative.
        self._below = np.append(first, len(probability))
        top = max(1.0, float(np.nextafter(scores[-1], np.inf)))
        self.scores = np.concatenate([[0.0], scores, [top]])
        self.candidates = _candidates(self.scores)

    def count(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what each candidate decides negative, for weights (R, N).

        Returns:
            The weight of missed positives and that of rejected negatives, (R, C) each; their last
            columns hold all of them.
        """
        weights = weights[:, self._order]
        return self._sums(weights * self._positive), self._sums(weights * ~self._positive)

    def _sums(self, weights: np.ndarray) -> np.ndarray:
        sums = np.zeros((len(weights), weights.shape[1] + 1))
        np.cumsum(weights, axis=1, out=sums[:, 1:])
        return sums[:, self._below]


def _candidates(scores: np.ndarray) -> np.ndarray:
    lower, upper = scores[:-1], scores[1:]
    middle = (lower + upper) / 2
    # Between neighbouring floats the midpoint rounds to one of them; the upper one is right.
    return np.where(middle > lower, middle, upper)


@dataclass(frozen=True)
class Rule:
    """Rule that the threshold is chosen by.

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
        """Return the rule that a manifest's `threshold` states."""
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
    return float(cuts.candidates[_most_gain(rule, cuts, np.ones((1, len(positive))))[0]])


def threshold_interval(
    truth: np.ndarray,
    probability: np.ndarray,
    rule: str | Rule,
    patients: Sequence[str | None],
    seed: int,
) -> tuple[float, float] | None:
    r"""Return the 95 % confidence interval of the best threshold in the population.

    It is the span of all thresholds of which a test at 5 % does not refuse that they are best. A
    threshold that keeps a sensitivity, or a specificity, is refused where the exact interval of
    that rate does not hold the target. Of the other rules, with the gain G estimated by G^ and in
    replicates of the bootstrap by patient by G*, a threshold t is refused if

        max over t' of (G^(t') - G^(t)) / s(t', t)
            >  the 95 % point of  max over S(t) of (D(t') - D(t)) / s(t', t),

    where D = G* - G^, s is the standard deviation of D(t') - D(t), and S(t) holds the thresholds
    whose gain is at least G^(t) less two s: others cannot be better than t.

    The percentiles of the best thresholds of replicates are no such interval, since the bootstrap
    fails where a maximum is located: Abrevaya, Huang, "On the bootstrap of the maximum score
    estimator", Econometrica 73(4), 2005. Source: inverting tests of moment inequalities, Andrews,
    Soares, "Inference for parameters defined by moment inequalities using generalized moment
    selection", Econometrica 78(1), 2010.

    The arguments are those of `choose_threshold`, with the patient of each image and a seed.

    Returns:
        None with a single patient of a class, without whom there would be no threshold.
    """
    rule = Rule(rule) if isinstance(rule, str) else rule
    positive, clusters = np.asarray(truth, bool), cluster_indices(patients)
    if any(len(np.unique(clusters[chosen])) < 2 for chosen in (positive, ~positive)):
        return None
    probability = np.asarray(probability, np.float64)
    cuts = Cuts(positive, probability)
    if rule.name in ("sensitivity", "specificity"):
        kept = _keeps_target(rule, cuts.candidates, positive, probability, clusters)
    else:
        best = int(_most_gain(rule, cuts, np.ones((1, len(positive))))[0])
        kept = _may_be_best(rule, cuts, best, clusters, generator("threshold", seed))
    return float(cuts.scores[kept[0]]), float(cuts.scores[kept[-1] + 1])


def _keeps_target(
    rule: Rule,
    candidates: np.ndarray,
    positive: np.ndarray,
    probability: np.ndarray,
    clusters: np.ndarray,
) -> np.ndarray:
    """Return the candidates, growing indices, whose rate may be the rule's target.

    Where many images have one score, the rate may pass the target between two candidates: these.
    """
    counted = positive if rule.name == "sensitivity" else ~positive
    ends = []
    for threshold in candidates:
        right = decide_binary(probability, threshold) == positive
        share = share_of_images(right, counted, clusters)
        assert share is not None  # both classes are there
        ends.append((share.low, share.high))
    lows, highs = np.array(ends).T
    kept = np.flatnonzero((lows <= rule.target) & (rule.target <= highs))
    if len(kept):
        return kept
    above = np.flatnonzero(np.diff(lows > rule.target))[0]
    return np.array([above, above + 1])


def _may_be_best(
    rule: Rule, cuts: Cuts, best: int, clusters: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Return the candidates, growing indices, of which the test does not refuse that they are best.

    Of very many candidates only some are tried, evenly by their rank, with the best among them;
    those next to one that is kept are kept as well.
    """
    count = len(cuts.candidates)
    tried = np.linspace(0, count - 1, min(count, _MOST_TRIED)).astype(int)
    tried = np.union1d(tried, best)
    gain = _mean_gain(rule, *cuts.count(np.ones((1, len(clusters)))))[0, tried]
    chunks = [
        _mean_gain(rule, *cuts.count(weights))[:, tried]
        for weights in replicate_weights(clusters, _REPLICATES, random)
    ]
    drawn = np.concatenate(chunks)
    drawn = drawn[~np.isnan(drawn).any(axis=1)] - gain
    first, last = 0, len(tried) - 1  # the best of the sample is between them, and never refused
    while _is_refused(first, gain, drawn):
        first += 1
    while _is_refused(last, gain, drawn):
        last -= 1
    low = tried[first - 1] + 1 if first else 0  # the one after the last that is refused
    high = tried[last + 1] - 1 if last + 1 < len(tried) else count - 1
    return np.arange(low, high + 1)


def _is_refused(row: int, gain: np.ndarray, drawn: np.ndarray) -> bool:
    """Return whether some candidate has a higher gain than a row's, by more than chance gives.

    Args:
        row: Of C candidates.
        gain: (C,) of the sample.
        drawn: (R, C) of the replicates, less that of the sample.
    """
    differences = drawn - drawn[:, [row]]
    error = np.maximum(differences.std(axis=0), _ROUNDING)
    surplus = (gain - gain[row]) / error
    rivals = surplus >= -_REACH
    bound = np.quantile((differences[:, rivals] / error[rivals]).max(axis=1), LEVEL)
    return bool(surplus.max() > max(bound, 0.0) + _ROUNDING)


def _most_gain(rule: Rule, cuts: Cuts, weights: np.ndarray) -> np.ndarray:
    """Return the index (R,) of the best candidate, the lowest of equally good ones."""
    return np.argmax(_gain(rule, *cuts.count(weights)), axis=1)


def _mean_gain(rule: Rule, missed: np.ndarray, rejected: np.ndarray) -> np.ndarray:
    """Return the gain of `_gain` per image, (R, candidates), NaN without both classes."""
    positives, negatives = missed[:, -1:], rejected[:, -1:]
    scale = positives * negatives if rule.name == "youden" else positives + negatives
    return ratio(_gain(rule, missed, rejected), np.where(positives * negatives > 0, scale, 0))


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
