"""Intervals by the bootstrap, clustered by patient.

Images of one patient are alike, so drawing images would pretend to more evidence than there
is: whole patients are drawn instead. Source: Field, Welsh, "Bootstrapping clustered data",
JRSS B 69(3), 2007 (the cluster bootstrap).

The interval is bias-corrected, accelerated, and not too narrow for few patients. Source: Efron,
"Better bootstrap confidence intervals", JASA 82, 1987 (BCa); Hesterberg, "What teachers should
know about the bootstrap", The American Statistician 69(4), 2015, §4.2 (expanded percentiles).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit
from threadpoolctl import threadpool_limits

from dlmath.number_text import estimate_text

LEVEL = 0.95
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
    """A metric with its 95 % interval; None where it is undefined."""

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
    *,
    label: Callable[[str], str] = str,
) -> tuple[dict[str, Estimate], list[str]]:
    """Return each statistic with its 95 % BCa interval, and the warnings.

    Replicates in which a statistic is undefined are left out of its interval.

    Args:
        statistics: Maps weights (R, N) to named values (R,), NaN where undefined.
        clusters: (N,) indices 0..P-1 of the patients.
        generator: Where the draws come from.
        replicates: How many samples of P patients are drawn.
        label: Maps a statistic's name to what the warnings call it.
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
    values = {label(name): value for name, value in values.items()}
    return estimates, _warnings(values, {label(name): row for name, row in drawn.items()})


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


def bca_interval(value: float, drawn: np.ndarray, left_out: np.ndarray) -> tuple[float, float]:
    r"""Return the 95 % interval of a statistic.

    With G the distribution of the drawn values and Phi the normal one, the ends are

        G^-1(Phi(z0 + (z0 + z) / (1 - a (z0 + z)))),    z0 = Phi^-1(G(value)),
        a = sum d^3 / (6 (sum d^2)^1.5),                d = mean(left_out) - left_out.

    Replicates equal to the value count half in G(value). In place of z = +-1.96 stands
    +-sqrt(m / (m - 1)) t(m - 1), where m is how many patients the statistic depends on: the
    bootstrap's variance is that of the sample, (m - 1) / m of the unbiased one, and its quantiles
    know nothing of the variance's own uncertainty. At 300 patients that is 1.97.

    Args:
        value: Of the sample, a number.
        drawn: (R,) of the replicates, numbers, R at least 1.
        left_out: (G,) without each patient, or each group of patients; NaN where undefined.
    """
    left_out = left_out[~np.isnan(left_out)]
    differences = left_out.mean() - left_out if len(left_out) else np.zeros(1)
    bias = _bias(value, drawn)
    reach = bias + _normal_scores(int((np.abs(left_out - value) > _ROUNDING).sum()))
    bend = _acceleration(differences) * reach
    # The formula turns back at infinity, which is the outermost replicate.
    safe = np.where(bend < 1, bend, 0)
    levels = np.where(bend < 1, ndtr(bias + reach / (1 - safe)), reach > 0)
    low, high = np.quantile(drawn, levels)
    return float(low), float(high)


def _bias(value: float, drawn: np.ndarray) -> float:
    """Return z0, held finite where all replicates lie on one side."""
    below = (drawn < value - _ROUNDING).sum() + (np.abs(drawn - value) <= _ROUNDING).sum() / 2
    share = np.clip(below / len(drawn), 0.5 / len(drawn), 1 - 0.5 / len(drawn))
    return float(ndtri(share))


def _acceleration(differences: np.ndarray) -> float:
    scale = (differences**2).sum()
    return float((differences**3).sum() / (6 * scale**1.5)) if scale > _ROUNDING**2 else 0.0


def _normal_scores(patients: int) -> np.ndarray:
    """Return the lower and the upper score that `patients` independent ones call for."""
    patients = max(patients, 2)
    upper = np.sqrt(patients / (patients - 1)) * stdtrit(patients - 1, (1 + LEVEL) / 2)
    return np.array([-upper, upper])
