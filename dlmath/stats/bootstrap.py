"""Intervals by the bootstrap, clustered by patient.

Images of one patient are alike, so drawing images would pretend to more evidence than there
is: whole patients are drawn instead. Source: Field, Welsh, "Bootstrapping clustered data",
JRSS B 69(3), 2007 (the cluster bootstrap); for the interval see `dlmath.stats.bca`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from dlmath.number_text import estimate_text
from dlmath.stats.bca import bca_interval

REPLICATES = 2_000

# Numbers in one chunk of weights: 2 MB, so that a chunk's arrays stay in a processor's cache.
_CHUNK = 250_000
# Sums over random groups have the third moment of the patients, so the acceleration is right on
# average; 250 groups leave it a standard error of sqrt(15) / (6 * 250) = 0.003, which moves an end
# by a hundredth of a standard error.
_GROUPS = 250
_MANY_UNDEFINED = 0.05
_ROUNDING = 1e-12  # two replicates that are alike but for the order of their sums

Statistics = Callable[[np.ndarray], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None

    @property
    def has_width(self) -> bool:
        """Return whether the interval has a width: one of a single number claims certainty.

        Such a one comes out where all replicates are alike: the spread is then not known.
        """
        return self.low is not None and self.high is not None and self.high - self.low > _ROUNDING

    def __str__(self) -> str:
        return estimate_text(self.value, self.low, self.high)


def estimate(
    statistics: Statistics,
    clusters: np.ndarray,
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> tuple[dict[str, Estimate], list[str]]:
    """Return each statistic with its 95 % BCa interval, and the warnings.

    Replicates in which a statistic is undefined are left out of its interval.

    Args:
        statistics: Maps weights (R, N) to named values (R,), NaN where undefined.
        clusters: (N,) indices 0..P-1 of the patients.
        generator: Where the draws come from.
        replicates: How many samples of P patients are drawn.
    """
    # The products are small: further threads would wait for one another, not compute.
    with threadpool_limits(1, "blas"):
        ones = np.ones((1, len(clusters)))
        values = {name: float(value[0]) for name, value in statistics(ones).items()}
        if clusters.max() == 0:  # every replicate would be the sample itself
            nothing = {name: np.full(1, np.nan) for name in values}
            drawn, left_out = nothing, nothing
        else:
            drawn = _of_all(statistics, replicate_weights(clusters, replicates, generator))
            left_out = _of_all(statistics, jackknife_weights(clusters, generator))
    estimates = {
        name: _estimate_one(value, drawn[name], left_out[name]) for name, value in values.items()
    }
    return estimates, _warnings(values, drawn)


def cluster_indices(patients: Sequence[str | None]) -> np.ndarray:
    """Return (N,) indices 0..P-1 of patients by name.

    Where one is None, whose images these are is not known, and each is a patient of its own.
    """
    names = range(len(patients)) if None in patients else patients
    return np.unique(np.asarray(names), return_inverse=True)[1]


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
        drawn = generator.integers(patients, size=(count, patients), dtype=np.int32)
        drawn += patients * np.arange(count, dtype=np.int32)[:, None]  # a range for each row
        times = np.bincount(drawn.ravel(), minlength=count * patients).astype(np.float64)
        yield times.reshape(count, patients)[:, clusters]


def jackknife_weights(clusters: np.ndarray, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield (r, N) weights in chunks of bounded size: in each row one patient is left out.

    With more than 250 patients it is one of 250 random groups of them, of equal size or one less.
    """
    patients = int(clusters.max()) + 1
    groups = min(patients, _GROUPS)
    group_of = generator.permutation(patients) % groups
    rows = max(1, _CHUNK // len(clusters))
    for first in range(0, groups, rows):
        left_out = np.arange(first, min(first + rows, groups))
        yield (group_of[clusters] != left_out[:, None]).astype(np.float64)


def _of_all(statistics: Statistics, chunks: Iterator[np.ndarray]) -> dict[str, np.ndarray]:
    found = [statistics(weights) for weights in chunks]
    return {name: np.concatenate([chunk[name] for chunk in found]) for name in found[0]}


def _estimate_one(value: float, drawn: np.ndarray, left_out: np.ndarray) -> Estimate:
    if np.isnan(value):
        return Estimate(None, None, None)
    defined = drawn[~np.isnan(drawn)]
    if not len(defined):
        return Estimate(value, None, None)
    return Estimate(value, *bca_interval(value, defined, left_out))


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
