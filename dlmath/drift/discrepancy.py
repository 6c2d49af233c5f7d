"""Discrepancies of two sets of images, computed from the means of their numbers."""

from collections.abc import Mapping

import numpy as np

from dlmath.drift.sketch import CELLS, Layout
from dlmath.inference.decision_rule import DecisionRule

# Titles of the measures, by their names in the JSON document.
TITLES = {
    "means": "where the images lie in feature space (SD)",
    "spread": "how they scatter there",
    "scores": "distribution of the scores",
    "unusual": "share unlike the training images",
    "abstained": "share of abstentions",
    "pictures": "grey levels, sharpness, colour (SD)",
}
SHARES = ("unusual", "abstained")
_LEVEL = 1 / 255  # grey levels are rounded: a difference of less than one is none


def compared(rule: DecisionRule, layout: Layout) -> tuple[str, ...]:
    """Return the names of what can be compared, given what the run measures."""
    known = {
        "means": layout.directions > 0,
        "spread": layout.directions > 0,
        "scores": True,
        "unusual": layout.directions > 0 and rule.abstention.ood_score is not None,
        "abstained": rule.abstention.confidence is not None,
        "pictures": layout.pictures > 0,
    }
    return tuple(name for name in TITLES if known[name])


def discrepancies(layout: Layout, a: np.ndarray, b: np.ndarray) -> Mapping[str, np.ndarray]:
    """Return how far means (B, F) of numbers are from others, (B,) by name.

    `means`: the Euclidean norm of the difference of the mean vectors; `spread`: the Frobenius norm
    of the difference of the covariance matrices; `scores`: the largest difference between the
    distribution functions, the Kolmogorov-Smirnov statistic of a histogram, of several classes the
    largest of theirs; the shares: that of b less that of a, with its sign; `pictures`: the
    Mahalanobis distance of the mean vectors, by the mean of the covariances. In its square, the
    statistic of Hotelling, a change that single metrics hide in their spread stands out where it
    breaks how they go together: less contrast makes dark levels lighter and light ones darker.
    """
    steps = layout.part(b, "scores") - layout.part(a, "scores")
    steps = steps.reshape(len(steps), layout.scores, CELLS)
    spread = _upper(_covariances(layout, b, "projected", "products"))
    spread = spread - _upper(_covariances(layout, a, "projected", "products"))
    return {
        "means": np.linalg.norm(layout.part(b, "projected") - layout.part(a, "projected"), axis=1),
        "spread": np.linalg.norm(spread, axis=1),
        "scores": np.abs(steps.cumsum(axis=2)).max(axis=(1, 2)),
        **{name: (layout.part(b, name) - layout.part(a, name))[:, 0] for name in SHARES},
        "pictures": _mahalanobis(layout, a, b),
    }


def _mahalanobis(layout: Layout, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    kinds = "pictures", "picture_products"
    covariances = (_covariances(layout, a, *kinds) + _covariances(layout, b, *kinds)) / 2
    covariances += _LEVEL**2 * np.eye(layout.pictures)  # colours of grey pictures do not vary
    apart = layout.part(b, "pictures") - layout.part(a, "pictures")
    solved = np.linalg.solve(covariances, apart[..., np.newaxis])[..., 0]
    return np.sqrt(np.maximum((apart * solved).sum(axis=1), 0))


def _covariances(layout: Layout, means: np.ndarray, kind: str, products: str) -> np.ndarray:
    """Return the covariance matrices (B, k, k) of the numbers of a kind, by the mean products."""
    mean = layout.part(means, kind)
    first, second = np.triu_indices(mean.shape[1])
    found = -mean[:, :, np.newaxis] * mean[:, np.newaxis, :]
    found[:, first, second] += layout.part(means, products)
    found[:, second, first] = found[:, first, second]
    return found


def _upper(matrices: np.ndarray) -> np.ndarray:
    """Return the upper triangles, scaled so that their norm is that of the whole matrices."""
    first, second = np.triu_indices(matrices.shape[1])
    return matrices[:, first, second] * np.where(first == second, 1, np.sqrt(2))
