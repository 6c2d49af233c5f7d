"""What is kept of an image: some numbers whose sums over many images can be compared.

Nothing of a picture can be drawn from them: 16 directions stand for over a thousand features, and
the score for its cell in a histogram.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from dlmath.light.decider import Answers, Decider
from dlmath.light.distance import FeatureDistance

DIRECTIONS = 16
FARTHEST = 5.0  # standard deviations; one strange image must not outweigh all others
# Between the cells of a score: log-odds, since most scores of a good model are near 0 and 1.
EDGES = np.linspace(-6, 6, 25)
CELLS = len(EDGES) + 1


@dataclass(frozen=True)
class Layout:
    """What stands where in the numbers of an image.

    Attributes:
        directions: k, how many directions of the features are kept; 0 where there are none.
        scores: C, of how many classes the score is kept: one for two classes.
    """

    directions: int
    scores: int

    @property
    def sizes(self) -> dict[str, int]:
        """How many numbers each kind has, in their order."""
        return {
            "projected": self.directions,
            "products": self.directions * (self.directions + 1) // 2,
            "scores": self.scores * CELLS,
            "unusual": 1,
            "abstained": 1,
        }

    @property
    def size(self) -> int:
        """F, how many numbers there are."""
        return sum(self.sizes.values())

    def part(self, numbers: np.ndarray, name: str) -> np.ndarray:
        """Return the numbers of one kind out of (..., F)."""
        ends = np.cumsum([0, *self.sizes.values()])
        slices = {kind: slice(*two) for kind, two in zip(self.sizes, pairwise(ends), strict=True)}
        return numbers[..., slices[name]]


@dataclass(frozen=True, eq=False)
class Sketch:
    """Turns what a classifier says of images into the numbers that are kept.

    Attributes:
        decider: Of the run, for its classes and its rules.
        layout: Of the numbers.
    """

    decider: Decider
    layout: Layout

    @classmethod
    def of(cls, decider: Decider) -> Self:
        """Return the sketch of a run's classifier."""
        distance = decider.distance
        known = 0 if distance is None else len(distance.variances[-DIRECTIONS:])
        return cls(decider, Layout(known, 1 if decider.positive_class else len(decider.classes)))

    def project(self, answers: Answers) -> np.ndarray:
        """Return (N, k) of what the classifier said; see `project`."""
        distance = self.decider.distance
        if distance is None or answers.features is None:
            return np.zeros((len(answers.probabilities), 0))
        return project(distance, answers.features, answers.probabilities)

    def rows(
        self,
        projected: np.ndarray,
        probabilities: np.ndarray,
        unusual: np.ndarray | None,
        abstained: np.ndarray | None,
    ) -> np.ndarray:
        """Return the numbers of N images, (N, F); NaN where the model gives none.

        Args:
            projected: (N, k), see `project`.
            probabilities: (N, K).
            unusual: (N,) bool, see `Decider.unusual`; None, without such a rule, counts as no.
            abstained: (N,) bool, see `Decider.abstains`; None likewise.
        """
        near = np.clip(projected, -FARTHEST, FARTHEST)
        first, second = np.triu_indices(self.layout.directions)
        none = np.zeros(len(probabilities))
        numbers = np.column_stack(
            [
                near,
                near[:, first] * near[:, second],
                self._cells(probabilities),
                none if unusual is None else unusual,
                none if abstained is None else abstained,
            ]
        )
        is_number = np.isfinite(probabilities).all(axis=1) & np.isfinite(projected).all(axis=1)
        numbers[~is_number] = np.nan
        return numbers

    def _cells(self, probabilities: np.ndarray) -> np.ndarray:
        """Return (N, C * CELLS), 1 in the cell of each score."""
        positive = self.decider.positive_index
        chosen = probabilities if positive is None else probabilities[:, [positive]]
        inside = np.clip(np.nan_to_num(chosen), 1e-12, 1 - 1e-12)
        cells = np.searchsorted(EDGES, np.log(inside / (1 - inside)), side="right")
        return np.eye(CELLS)[cells].reshape(len(chosen), self.layout.scores * CELLS)


def project(
    distance: FeatureDistance, features: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """Return (N, k), where images lie among those of their class, in standard deviations.

    The directions are those in which training images of one class differ most. The mean is that of
    the most probable class: so a change of how common the classes are moves the scores, and these
    numbers hardly.

    Args:
        distance: Fitted to the training images.
        features: (N, D).
        probabilities: (N, K).
    """
    axes = distance.directions[:, -DIRECTIONS:] / np.sqrt(distance.variances[-DIRECTIONS:])
    centres = (distance.means @ axes)[probabilities.argmax(axis=1)]
    with np.errstate(invalid="ignore", over="ignore"):  # an infinite feature gives NaN
        return features.astype(np.float64) @ axes - centres
