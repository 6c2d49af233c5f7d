r"""Intervals of metrics composed of several rates, which carry the exact intervals of the rates.

A bootstrap takes a rate of 0 or 1 for certain, since every replicate has it, and a metric composed
of such a rate inherits the certainty. Melding draws each rate from its confidence distribution:
with h hits among n images, from Beta(h, n - h + 1) for the lower end of an interval and from
Beta(h + 1, n - h) for the upper one, whose 2.5 % and 97.5 % points are the interval of Clopper and
Pearson. The ends of a metric that grows with each of its rates are the 2.5 % point of the metric of
the lower draws and the 97.5 % point of that of the upper ones. For a single rate that is Clopper's
and Pearson's interval again.

Source: Fay, Proschan, Brittain, "Combining one-sample confidence procedures for inference in the
two-sample case", Biometrics 71(1), 2015, eq. 3; for images of the same patients n is the effective
number of images, see `dlmath.stats.proportions`.
"""

from typing import NamedTuple

import numpy as np

from dlmath.evaluation.decisions import ClassCounts, confusion_matrix, decision_metrics
from dlmath.stats.bootstrap import LEVEL
from dlmath.stats.proportions import effective_images

# The 2.5 % point of so many draws has a standard error of 2 % of a standard deviation.
DRAWS = 20_000

_CHUNK = 1_000_000  # random numbers at a time: 8 MB
_TAIL = (1 - LEVEL) / 2


class Draws(NamedTuple):
    """Draws (R,) of each decision metric for the lower and for the upper end of an interval."""

    lower: dict[str, np.ndarray]
    upper: dict[str, np.ndarray]


def confusion_draws(
    truth: np.ndarray,
    decision: np.ndarray,
    classes: int,
    clusters: np.ndarray,
    about: list[int],
    generator: np.random.Generator,
    shares: np.ndarray | None = None,
) -> Draws:
    """Return draws of all decision metrics, from draws of what the metrics follow from.

    Drawn are the share of each class, how much of it is decided rightly, and how its wrong
    decisions are divided among the other classes. All decision metrics grow with the second.

    Args:
        truth: (N,) class indices; each class has an image.
        decision: (N,) class indices.
        classes: K, the number of classes.
        clusters: (N,) indices 0..P-1 of the patients.
        about: The classes whose metrics are averaged, as in `decision_metrics`.
        generator: Where the draws come from.
        shares: (K,) of the classes, such as those at another prevalence; drawn where left out.
    """
    counts_of = confusion_matrix(truth, decision, classes)
    rights = [recall_draws(truth == k, decision == k, clusters, generator) for k in range(classes)]
    wrongs = [_divisions(counts_of[k], k, generator) for k in range(classes)]
    if shares is None:
        shares = _share_draws(counts_of.sum(axis=1), clusters, generator)
    of_classes = np.broadcast_to(shares, (DRAWS, classes))

    def metrics(end: int) -> dict[str, np.ndarray]:
        matrix = np.stack(wrongs, axis=1)  # (R, K, K): rows are truth
        for k, right in enumerate(rights):
            matrix[:, k] *= 1 - right[end][:, np.newaxis]
            matrix[:, k, k] = right[end]
        matrix *= of_classes[:, :, np.newaxis]
        counts = ClassCounts(
            hits=np.einsum("rkk->rk", matrix), decided=matrix.sum(axis=1), actual=matrix.sum(axis=2)
        )
        # Sums of shares round, and a share of them beyond 1.
        return {name: np.minimum(one, 1) for name, one in decision_metrics(counts, about).items()}

    return Draws(metrics(0), metrics(1))


def interval_of(draws: Draws, name: str) -> tuple[float, float]:
    """Return the 95 % interval of a metric."""
    return ends_of(draws.lower[name], draws.upper[name])


def interval_of_difference(first: Draws, second: Draws, name: str) -> tuple[float, float]:
    """Return the 95 % interval of a metric of `first` less that of `second`.

    The two are taken to be independent, which makes the interval too wide where they are of the
    same images, on which both tend to be right or wrong together.
    """
    return ends_of(
        first.lower[name] - second.upper[name],
        first.upper[name] - second.lower[name],
    )


def bounded_mean(
    terms: np.ndarray, worst: float, clusters: np.ndarray, generator: np.random.Generator
) -> tuple[float, float]:
    """Return the 95 % interval of the mean of terms between 0 and `worst`.

    The terms have random weights, uniform on the simplex, together with one more term: `worst` for
    the upper end, 0 for the lower one. Terms of 0 and 1 have the interval of Clopper and Pearson.
    The terms of a patient keep together, and the one more term is a patient of mean size.

    Source: Gaffke, "Three test statistics for a nonparametric one-sided hypothesis on the mean of a
    nonnegative variable", Mathematical Methods of Statistics 14(4), 2005; Learned-Miller, Thomas,
    "A new confidence interval for the mean of a bounded random variable", arXiv:1905.06208.

    Args:
        terms: (N,).
        worst: The largest value that a term can have.
        clusters: (N,) indices 0..P-1 of the patients.
        generator: Where the draws come from.
    """
    images, sums = np.bincount(clusters), np.bincount(clusters, terms)
    images, size = np.append(images, images.mean()), images.mean()
    both = np.column_stack([images, np.append(sums, 0.0), np.append(sums, size * worst)])
    rows = max(1, _CHUNK // len(both))
    drawn = [
        generator.exponential(size=(min(rows, DRAWS - first), len(both))) @ both
        for first in range(0, DRAWS, rows)
    ]
    weight, lower, upper = np.concatenate(drawn).T
    return ends_of(lower / weight, upper / weight)


def ends_of(lower: np.ndarray, upper: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of a metric from draws (R,) for its lower and its upper end."""
    return float(np.nanquantile(lower, _TAIL)), float(np.nanquantile(upper, 1 - _TAIL))


def recall_draws(
    counted: np.ndarray, hit: np.ndarray, clusters: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return draws (R,) of the share of hits for the lower and for the upper end.

    Args:
        counted: (N,) bool, which images count; at least one.
        hit: (N,) bool, which images are hits.
        clusters: (N,) indices 0..P-1 of the patients.
        generator: Where the draws come from.
    """
    size = effective_images(hit, counted, clusters)
    hits = size * float(hit[counted].mean())
    misses = size * float((~hit)[counted].mean())
    lower = generator.beta(hits, misses + 1, DRAWS) if hits else np.zeros(DRAWS)
    upper = generator.beta(hits + 1, misses, DRAWS) if misses else np.ones(DRAWS)
    return lower, upper


def _divisions(row: np.ndarray, own: int, generator: np.random.Generator) -> np.ndarray:
    """Return draws (R, K) of how the wrong decisions on a class are divided: 0 at `own`, sum 1.

    The prior counts as one image, so that a class that none was mistaken for is not excluded.
    """
    others = np.arange(len(row)) != own
    divided = np.zeros((DRAWS, len(row)))
    divided[:, others] = generator.dirichlet(row[others] + 1 / others.sum(), DRAWS)
    return divided


def _share_draws(
    images: np.ndarray, clusters: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Return draws (R, K) of the shares of the classes, by Jeffreys' prior."""
    everything = np.ones(len(clusters), bool)
    size = effective_images(everything, everything, clusters)
    return generator.dirichlet(images * size / len(clusters) + 0.5, DRAWS)
