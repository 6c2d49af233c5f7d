"""The decision rule of a run: from probabilities to classes and abstention, in any runtime."""

from dataclasses import dataclass, field

import numpy as np

from .ood_score import OodScore


@dataclass(frozen=True)
class Threshold:
    """Decides positive at probability >= value.

    Attributes:
        value: Of the positive class's probability.
        chosen_on: The part of the data that it was chosen on.
    """

    value: float
    chosen_on: str


@dataclass(frozen=True)
class Abstention:
    """Limits beyond which a classifier abstains; a person should look at such an image.

    Attributes:
        confidence: The least that is answered, see `DecisionRule.confidence`; None without a rule.
        ood_score: The largest score within the distribution, see `OodScore`; None where none was
            fitted.
    """

    confidence: float | None = None
    ood_score: float | None = None


@dataclass(frozen=True, eq=False)
class DecisionRule:
    """The rule by which a run decides and abstains; `Classifier` computes the probabilities.

    Attributes:
        classes: K names, in the order of the probabilities.
        image_size: Side of the images in pixels.
        positive_class: The class that a binary task is about; None for more than two classes.
        threshold: None for more than two classes, of which the most probable is decided.
        abstention: Limits beyond which it abstains.
        ood_score: The out-of-distribution score of features; None where none was fitted.
    """

    classes: tuple[str, ...]
    image_size: int
    positive_class: str | None
    threshold: Threshold | None
    abstention: Abstention = field(default=Abstention(), kw_only=True)
    ood_score: OodScore | None = field(default=None, kw_only=True)

    @property
    def positive_index(self) -> int | None:
        """The index of the positive class, None for more than two classes."""
        return None if self.positive_class is None else self.classes.index(self.positive_class)

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """Return (N,) class indices: by the threshold for two classes, else the most probable."""
        positive = self.positive_index
        if positive is None or self.threshold is None:
            return probabilities.argmax(axis=1)
        is_positive = decide_binary(probabilities[:, positive], self.threshold.value)
        return np.where(is_positive, positive, 1 - positive)

    def confidence(self, probabilities: np.ndarray) -> np.ndarray:
        """Return (N,), at least 0: how far in log-odds the decision is from being another one.

        Of two classes it is the distance of the log-odds from those of the threshold: that of the
        probabilities would call 0.001 as sure as 0.1 at a threshold near 0. Of more classes it is
        the log of how many times more probable the first is than the second, which for two classes
        and a threshold of 0.5 is the same.
        """
        if self.positive_index is None or self.threshold is None:
            second, first = np.sort(_inside(probabilities), axis=1)[:, -2:].T
            return np.log(first) - np.log(second)
        own, limit = _inside(probabilities[:, self.positive_index]), _inside(self.threshold.value)
        return np.abs(np.log(own / (1 - own)) - np.log(limit / (1 - limit)))

    def out_of_distribution(self, ood_scores: np.ndarray | None) -> np.ndarray | None:
        """Return (N,) bool: which images are out of distribution; None if that is not known.

        A score that is not a number is out of distribution.
        """
        if ood_scores is None or self.abstention.ood_score is None:
            return None
        return ~(ood_scores <= self.abstention.ood_score)

    def abstains(
        self, probabilities: np.ndarray, ood_scores: np.ndarray | None
    ) -> np.ndarray | None:
        """Return (N,) bool: unsure, or out of distribution; None without a rule for either."""
        outside, least = self.out_of_distribution(ood_scores), self.abstention.confidence
        unsure = None if least is None else self.confidence(probabilities) < least
        known = [reason for reason in (unsure, outside) if reason is not None]
        return np.any(known, axis=0) if known else None


def _inside(probability: np.ndarray | float) -> np.ndarray:
    """Return probabilities whose logarithm, and that of their complement, can be taken."""
    least = np.finfo(np.float64).eps
    return np.clip(probability, least, 1 - least)


def decide_binary(probability: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    """Return whether each image is decided positive, bool. The only place that decides.

    Args:
        probability: Of the positive class, of any shape.
        threshold: A number, or an array that is broadcast against the probabilities.
    """
    return np.asarray(probability) >= threshold
