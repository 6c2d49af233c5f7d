"""What chance allows: ranges of a frequency and of a mean over independent draws.

An experiment that draws at random compares with a theorem about a chance or an expectation. Its
verdict must not hang on the seed, so what is compared is a range that a right value leaves once in
a million draws, on either side.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom, t

RARE = 1e-6


def frequency_range(
    chance: float | np.ndarray, draws: int, rare: float = RARE
) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the largest share of `draws` in which an event of that chance occurs.

    Exact by the binomial law: a share below the first or above the second has a chance of at most
    `rare` each.

    Args:
        chance: In [0, 1], any shape.
        draws: Number of independent draws.
        rare: Of a false alarm, on either side.
    """
    low, high = (binom.ppf(level, draws, chance) / draws for level in (rare, 1 - rare))
    return np.maximum(low, 0.0), high


def mean_range(values: ArrayLike, rare: float = RARE) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of an interval of the mean over draws, by Student's law.

    Args:
        values: (draws, ...), one independent value a draw, two draws at least.
        rare: Chance that the expectation lies beyond an end, each.
    """
    values = np.asarray(values, float)
    reach = t.ppf(1 - rare, len(values) - 1) * standard_error(values)
    mean = values.mean(axis=0)
    return mean - reach, mean + reach


def standard_error(values: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean over the first axis."""
    return np.std(values, axis=0, ddof=1) / np.sqrt(len(values))


def outside(values: np.ndarray, expected: float | np.ndarray) -> float:
    """Return how far `expected` lies outside the interval of the mean over draws, 0 inside it.

    In standard errors of the mean, the worst over all axes but the first.
    """
    low, high = mean_range(values)
    # Draws that do not vary leave no room: what they miss by is counted in units of rounding.
    unit = np.maximum(standard_error(values), 1e-15)
    return float(np.max(np.maximum(low - expected, expected - high) / unit, initial=0.0))
