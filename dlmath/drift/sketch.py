"""Sketch of an image: a few numbers whose sums over many images can be compared.

Nothing of a picture can be drawn from them: 16 directions stand for over a thousand features, the
score for its cell in a histogram, and 15 metrics such as the mean grey level for all pixels.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np

from dlmath.drift.pictures import PICTURES
from dlmath.inference.classifier import Outputs
from dlmath.inference.decision_rule import DecisionRule
from dlmath.inference.ood_score import OodScore

DIRECTIONS = 16
FARTHEST = 5.0  # standard deviations; one strange image must not outweigh all others
# Between the cells of a score: log-odds, since most scores of a good model are near 0 and 1.
EDGES = np.linspace(-6, 6, 25)
CELLS = len(EDGES) + 1


@dataclass(frozen=True)
class Layout:
    """Positions of the kinds of numbers in a sketch.

    Attributes:
        directions: k, how many directions of the features are kept; 0 where there are none.
        scores: C, of how many classes the score is kept: one for two classes.
        pictures: How many metrics of the picture itself are kept; 0 in what older versions wrote.
    """

    directions: int
    scores: int
    pictures: int = PICTURES

    @property
    def sizes(self) -> dict[str, int]:
        """Number of values of each kind, in order."""
        return {
            "projected": self.directions,
            "products": self.directions * (self.directions + 1) // 2,
            "scores": self.scores * CELLS,
            "unusual": 1,
            "abstained": 1,
            # At the end, so that numbers without them are the first of those with them.
            "pictures": self.pictures,
            "picture_products": self.pictures * (self.pictures + 1) // 2,
        }

    @property
    def size(self) -> int:
        """F, the number of values of a sketch."""
        return sum(self.sizes.values())

    @property
    def without_pictures(self) -> Self:
        """The layout that older versions kept."""
        return replace(self, pictures=0)

    def part(self, numbers: np.ndarray, name: str) -> np.ndarray:
        """Return the numbers of one kind out of (..., F)."""
        ends = np.cumsum([0, *self.sizes.values()])
        slices = {kind: slice(*two) for kind, two in zip(self.sizes, pairwise(ends), strict=True)}
        return numbers[..., slices[name]]


@dataclass(frozen=True, eq=False)
class Sketch:
    """Turns what a classifier says of images into the numbers that are kept.

    Attributes:
        rule: Of the run, for its classes and its rules.
        layout: Of the numbers.
    """

    rule: DecisionRule
    layout: Layout

    @classmethod
    def of(cls, rule: DecisionRule) -> Self:
        """Return the sketch of a run's classifier."""
        ood_score = rule.ood_score
        known = 0 if ood_score is None else len(ood_score.variances[-DIRECTIONS:])
        return cls(rule, Layout(known, 1 if rule.positive_class else len(rule.classes)))

    @property
    def without_pictures(self) -> Self:
        """The sketch that leaves out what older versions did not keep."""
        return replace(self, layout=self.layout.without_pictures)

    def project(self, outputs: Outputs) -> np.ndarray:
        """Return (N, k) of what the classifier said; see `project`."""
        ood_score = self.rule.ood_score
        if ood_score is None or outputs.features is None:
            return np.zeros((len(outputs.probabilities), 0))
        return project(ood_score, outputs.features, outputs.probabilities)

    def rows(
        self,
        projected: np.ndarray,
        probabilities: np.ndarray,
        ood_scores: np.ndarray | None,
        pictures: np.ndarray,
    ) -> np.ndarray:
        """Return the numbers of N images, (N, F); NaN where the model gives none.

        Args:
            projected: (N, k), see `project`.
            probabilities: (N, K).
            ood_scores: (N,) out-of-distribution scores; None where the run fitted none.
            pictures: (N, 15), see `dlmath.drift.pictures.describe`; not read where the layout has
                none.
        """
        near = np.clip(projected, -FARTHEST, FARTHEST)
        none = np.zeros(
            len(probabilities)
        )  # without a rule, an image counts as in distribution and answered
        out_of_distribution = self.rule.out_of_distribution(ood_scores)
        abstained = self.rule.abstains(probabilities, ood_scores)
        kept = pictures[:, : self.layout.pictures]
        numbers = np.column_stack(
            [
                near,
                _products(near),
                self._cells(probabilities),
                none if out_of_distribution is None else out_of_distribution,
                none if abstained is None else abstained,
                kept,
                _products(kept),
            ]
        )
        is_number = np.isfinite(probabilities).all(axis=1) & np.isfinite(projected).all(axis=1)
        numbers[~is_number] = np.nan
        return numbers

    def rows_of(self, outputs: Outputs, pictures: np.ndarray) -> np.ndarray:
        """Return the numbers of N images, (N, F), by what the classifier said of them.

        Args:
            outputs: With features, unless the run has no out-of-distribution score.
            pictures: (N, 15), see `dlmath.drift.pictures.describe`.
        """
        return self.rows(self.project(outputs), outputs.probabilities, outputs.ood_scores, pictures)

    def _cells(self, probabilities: np.ndarray) -> np.ndarray:
        """Return (N, C * CELLS), 1 in the cell of each score."""
        positive = self.rule.positive_index
        chosen = probabilities if positive is None else probabilities[:, [positive]]
        inside = np.clip(np.nan_to_num(chosen), 1e-12, 1 - 1e-12)
        cells = np.searchsorted(EDGES, np.log(inside / (1 - inside)), side="right")
        return np.eye(CELLS)[cells].reshape(len(chosen), self.layout.scores * CELLS)


def _products(numbers: np.ndarray) -> np.ndarray:
    """Return the products (N, k (k + 1) / 2) of each two of k numbers (N, k)."""
    first, second = np.triu_indices(numbers.shape[1])
    return numbers[:, first] * numbers[:, second]


def project(ood_score: OodScore, features: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return (N, k), where images lie among those of their class, in standard deviations.

    The directions are those in which training images of one class differ most. The mean is that of
    the most probable class: so a change of how common the classes are moves the scores, and these
    numbers hardly.

    Args:
        ood_score: Fitted to the training images.
        features: (N, D).
        probabilities: (N, K).
    """
    axes = ood_score.directions[:, -DIRECTIONS:] / np.sqrt(ood_score.variances[-DIRECTIONS:])
    centres = (ood_score.means @ axes)[probabilities.argmax(axis=1)]
    with np.errstate(invalid="ignore", over="ignore"):  # an infinite feature gives NaN
        return features.astype(np.float64) @ axes - centres
