"""Intervals by the bootstrap, clustered by patient.

Images of one patient are alike, so drawing images would pretend to more evidence than there
is: whole patients are drawn instead. Source: Efron, Tibshirani, "An Introduction to the
Bootstrap", 1993, §13.3 (percentile interval); Field, Welsh, "Bootstrapping clustered data",
JRSS B 69(3), 2007 (the cluster bootstrap).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

REPLICATES = 1_000
LEVEL = 0.95

# Numbers in one chunk of weights: 8 MB, and a dozen arrays of that size in the metrics.
_CHUNK = 1_000_000
_MANY_UNDEFINED = 0.05

Statistics = Callable[[np.ndarray], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.value is None:
            return "undefined"
        if self.low is None or self.high is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def estimate(
    statistics: Statistics,
    clusters: np.ndarray,
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> tuple[dict[str, Estimate], list[str]]:
    """Return each statistic with its 95 % percentile interval, and the warnings.

    Replicates in which a statistic is undefined are left out of its interval.

    Args:
        statistics: Maps weights (R, N) to named values (R,), NaN where undefined.
        clusters: (N,) indices 0..P-1 of the patients.
        generator: Where the draws come from.
        replicates: How many samples of P patients are drawn.
    """
    values = {
        name: float(value[0]) for name, value in statistics(np.ones((1, len(clusters)))).items()
    }
    chunks = [statistics(weights) for weights in replicate_weights(clusters, replicates, generator)]
    drawn = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in values}
    if clusters.max() == 0:  # every replicate is the sample itself
        drawn = {name: np.full(replicates, np.nan) for name in values}
    estimates = {name: _estimate_one(values[name], drawn[name]) for name in values}
    return estimates, _warnings(values, drawn)


def replicate_weights(
    clusters: np.ndarray, replicates: int, generator: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield (r, N) weights in chunks of bounded size, `replicates` rows in all.

    A row says how often each image counts when as many patients as there are have been
    drawn with replacement. The rows do not depend on the chunks.
    """
    patients = int(clusters.max()) + 1
    rows = max(1, _CHUNK // max(len(clusters), patients))
    for first in range(0, replicates, rows):
        count = min(rows, replicates - first)
        drawn = generator.integers(patients, size=(count, patients))
        cells = drawn + patients * np.arange(count)[:, None]  # a range of its own for each row
        times = np.bincount(cells.ravel(), minlength=count * patients).reshape(count, patients)
        yield times[:, clusters].astype(np.float64)


def _estimate_one(value: float, drawn: np.ndarray) -> Estimate:
    if np.isnan(value):
        return Estimate(None, None, None)
    defined = drawn[~np.isnan(drawn)]
    if not len(defined):
        return Estimate(value, None, None)
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))


def _warnings(values: dict[str, float], drawn: dict[str, np.ndarray]) -> list[str]:
    undefined = [name for name, value in values.items() if np.isnan(value)]
    share = {name: np.isnan(drawn[name]).mean() for name in values if name not in undefined}
    none_drawn = [name for name, missing in share.items() if missing == 1]
    few_drawn = [name for name, missing in share.items() if _MANY_UNDEFINED < missing < 1]
    warnings = []
    if undefined:
        warnings.append(f"Undefined, since they would divide by 0: {', '.join(undefined)}.")
    if none_drawn:
        warnings.append(f"Too few patients for an interval of: {', '.join(none_drawn)}.")
    if few_drawn:
        worst = max(share[name] for name in few_drawn)
        warnings.append(
            f"Undefined in up to {worst:.0%} of the bootstrap replicates, so that the intervals "
            f"are too narrow: {', '.join(few_drawn)}."
        )
    return warnings
