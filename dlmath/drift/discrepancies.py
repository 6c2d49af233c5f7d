"""By how much two sets of images differ, each known by the means of its numbers alone."""

from collections.abc import Mapping

import numpy as np

from dlmath.drift.sketch import CELLS, Layout
from dlmath.light.decider import Decider

# What is compared, by the name that the JSON document has for it.
TITLES = {
    "means": "where the images lie in feature space (SD)",
    "spread": "how they scatter there",
    "scores": "distribution of the scores",
    "unusual": "share unlike the training images",
    "abstained": "share of abstentions",
}
SHARES = ("unusual", "abstained")


def compared(decider: Decider, layout: Layout) -> tuple[str, ...]:
    """Return the names of what can be compared, given what the run measures."""
    known = {
        "means": layout.directions > 0,
        "spread": layout.directions > 0,
        "scores": True,
        "unusual": layout.directions > 0 and decider.abstention.distance is not None,
        "abstained": decider.abstention.confidence is not None,
    }
    return tuple(name for name in TITLES if known[name])


def discrepancies(layout: Layout, a: np.ndarray, b: np.ndarray) -> Mapping[str, np.ndarray]:
    """Return how far means (B, F) of numbers are from others, (B,) by name.

    `means`: the Euclidean norm of the difference of the mean vectors; `spread`: the Frobenius norm
    of the difference of the covariance matrices; `scores`: the largest difference between the
    distribution functions, the Kolmogorov-Smirnov statistic of a histogram, of several classes the
    largest of theirs; the shares: that of b less that of a, with its sign.
    """
    steps = layout.part(b, "scores") - layout.part(a, "scores")
    steps = steps.reshape(len(steps), layout.scores, CELLS)
    covariances = _covariances(layout, b) - _covariances(layout, a)
    return {
        "means": np.linalg.norm(layout.part(b, "projected") - layout.part(a, "projected"), axis=1),
        "spread": np.linalg.norm(covariances, axis=1),
        "scores": np.abs(steps.cumsum(axis=2)).max(axis=(1, 2)),
        **{name: (layout.part(b, name) - layout.part(a, name))[:, 0] for name in SHARES},
    }


def _covariances(layout: Layout, means: np.ndarray) -> np.ndarray:
    """Return the upper triangles, scaled so that their norm is that of the whole matrices."""
    first, second = np.triu_indices(layout.directions)
    projected = layout.part(means, "projected")
    covariances = layout.part(means, "products") - projected[:, first] * projected[:, second]
    return covariances * np.where(first == second, 1, np.sqrt(2))
