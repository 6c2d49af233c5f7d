r"""The method of Viola and Jones: rectangles, integral images, AdaBoost and a cascade.

The integral image S(y, x) = sum of the pixels above and to the left of (y, x), which is one row and
one column larger than the image, gives the sum of any box as four of its entries. A *feature* of a
window is the sum of some boxes less that of others. AdaBoost adds up *stumps*, each the sign of one
feature against a threshold:

    h_t = the stump of least weighted error e_t,   v_t = log((1 - e_t) / e_t) / 2,
    w_i <- w_i exp(-v_t y_i h_t(x_i)) / Z_t,       Z_t = 2 sqrt(e_t (1 - e_t)).

Sources: Tsemo, line 24; Viola and Jones, "Rapid object detection using a boosted cascade of simple
features", 2001; Freund and Schapire, "A decision-theoretic generalization of on-line learning",
1997, theorem 6.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Box = tuple[int, int, int, int]  # top, left, height, width
Feature = tuple[tuple[int, Box], ...]  # boxes, each with the sign that it counts with

# Rows and columns of cells, which count by turns as + and - (figure 1 of the paper).
LAYOUTS = ((1, 2), (2, 1), (1, 3), (3, 1), (2, 2))


def integral_images(images: np.ndarray, kind: type = float) -> np.ndarray:
    """Return S, (N, H + 1, W + 1), of images (N, H, W), in numbers of that kind."""
    table = np.zeros((len(images), images.shape[1] + 1, images.shape[2] + 1), kind)
    table[:, 1:, 1:] = images.cumsum(axis=1, dtype=kind).cumsum(axis=2, dtype=kind)
    return table


def box_sums(tables: np.ndarray, box: Box) -> np.ndarray:
    """Return the sums (N,) of the pixels of a box, by four entries of each integral image."""
    top, left, height, width = box
    bottom, right = top + height, left + width
    return (
        tables[:, bottom, right]
        - tables[:, top, right]
        - tables[:, bottom, left]
        + tables[:, top, left]
    )


def haar_features(size: int, step: int = 2) -> list[Feature]:
    """Return the features of a window of size x size whose edges lie on multiples of `step`."""
    return [
        _feature(top, left, height, width, rows, columns)
        for rows, columns in LAYOUTS
        for height in range(step, size // rows + 1, step)
        for width in range(step, size // columns + 1, step)
        for top in range(0, size - rows * height + 1, step)
        for left in range(0, size - columns * width + 1, step)
    ]


def _feature(top: int, left: int, height: int, width: int, rows: int, columns: int) -> Feature:
    return tuple(
        ((-1) ** (row + column), (top + row * height, left + column * width, height, width))
        for row in range(rows)
        for column in range(columns)
    )


def feature_values(images: np.ndarray, features: Sequence[Feature]) -> np.ndarray:
    """Return the features (N, F) of images (N, H, W)."""
    tables = integral_images(images)
    return np.stack(
        [np.sum([sign * box_sums(tables, box) for sign, box in one], axis=0) for one in features],
        axis=1,
    )


@dataclass(frozen=True)
class Stump:
    """The sign of one feature against a threshold, and its vote.

    Attributes:
        feature: Its number.
        threshold: Between two values of the training set.
        sign: +1 if the class +1 lies above, -1 if below.
        error: Weighted share of the training set that it was wrong on when it was chosen.
        vote: v_t.
    """

    feature: int
    threshold: float
    sign: int
    error: float
    vote: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return +1 or -1, (N,), from features (N, F)."""
        return self.sign * np.where(values[:, self.feature] > self.threshold, 1, -1)


Search = Callable[[np.ndarray], Stump]


def stump_search(values: np.ndarray, labels: np.ndarray) -> Search:
    """Return the function that finds the stump of least error for weights (N,) that sum to 1.

    With the points sorted by a feature, the error of "+1 above the k-th" is the weight of the class
    -1, plus the sum of w y over the first k: all thresholds of all features at the cost of a
    running sum.
    """
    order = np.argsort(values, axis=0, kind="stable")  # (N, F)
    ordered = np.take_along_axis(values, order, axis=0)
    between = np.vstack([np.ones((1, values.shape[1]), bool), ordered[1:] > ordered[:-1]])

    def search(weights: np.ndarray) -> Stump:
        signed = (weights * labels)[order]
        errors = np.zeros_like(ordered)
        errors[1:] = np.cumsum(signed, axis=0)[:-1]
        errors += weights[labels < 0].sum()
        # What lies on the wrong side of 1/2 is turned round.
        best = np.where(between, np.minimum(errors, 1 - errors), np.inf)
        k, feature = np.unravel_index(int(best.argmin()), best.shape)
        lower = ordered[k - 1, feature] if k else ordered[0, feature] - 2
        sign = 1 if errors[k, feature] <= 1 - errors[k, feature] else -1
        threshold = float(lower + ordered[k, feature]) / 2
        return Stump(int(feature), threshold, sign, float(best.min()), 0.0)

    return search


@dataclass(frozen=True)
class Boosted:
    """The result of AdaBoost.

    Attributes:
        stumps: In the order in which they were found.
        weights: (T + 1, N) of the training set, before the first stump and after each.
    """

    stumps: tuple[Stump, ...]
    weights: np.ndarray

    def scores(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of votes (T, N) after 1, 2, ..., T stumps, from features (N, F)."""
        return np.cumsum([stump.vote * stump(values) for stump in self.stumps], axis=0)


def boost(values: np.ndarray, labels: np.ndarray, rounds: int, *, share: float = 1.0) -> Boosted:
    """Return stumps by AdaBoost; fewer than `rounds` if one is right on all points.

    Args:
        values: (N, F) features.
        labels: (N,), +1 or -1.
        rounds: T.
        share: Factor of the votes. Any but 1 is not AdaBoost.
    """
    search = stump_search(values, labels)
    weights = [np.full(len(labels), 1 / len(labels))]
    stumps: list[Stump] = []
    for _ in range(rounds):
        found = search(weights[-1])
        error = max(found.error, 1e-12)
        vote = share * np.log((1 - error) / error) / 2
        stumps.append(Stump(found.feature, found.threshold, found.sign, found.error, vote))
        changed = weights[-1] * np.exp(-vote * labels * stumps[-1](values))
        weights.append(changed / changed.sum())
        if found.error <= 1e-12:
            break
    return Boosted(tuple(stumps), np.array(weights))


@dataclass(frozen=True)
class Stage:
    """One stage of a cascade: a sum of votes, and what it must reach.

    Attributes:
        boosted: Its stumps.
        least: A window of a lower score is rejected here.
    """

    boosted: Boosted
    least: float

    def passes(self, values: np.ndarray) -> np.ndarray:
        """Return whether each of the windows goes on, (N,), from features (N, F)."""
        return self.boosted.scores(values)[-1] >= self.least


def reached(stages: Sequence[Stage], values: np.ndarray) -> Iterator[np.ndarray]:
    """Yield which of the windows with features (N, F) come to each stage, and which pass all."""
    alive = np.ones(len(values), bool)
    yield alive
    for stage in stages:
        alive = alive & stage.passes(values)
        yield alive
