"""Measurements of a file that do not depend on what the picture shows, as numbers."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import norm, rankdata

from dlmath.audit.image_stats import ImageStats

_NUMBERS: dict[str, Callable[[ImageStats], float | None]] = {
    "file size": lambda stats: stats.size,
    "width": lambda stats: stats.width,
    "height": lambda stats: stats.height,
    "aspect ratio": lambda stats: stats.width / stats.height,  # type: ignore[operator]
    "area": lambda stats: stats.width * stats.height,  # type: ignore[operator]
    "JPEG quality": lambda stats: stats.quality,
    "mean brightness": lambda stats: stats.brightness,
    "border brightness": lambda stats: stats.border,
    "border spread": lambda stats: stats.border_spread,
}


def numbers_of(stats: Sequence[ImageStats]) -> dict[str, np.ndarray]:
    """Return the numbers (N,) of sound files by name; NaN where a PNG has no JPEG quality.

    What is the same for all of them is left out.
    """
    numbers = {
        name: np.array([number(one) for one in stats], float) for name, number in _NUMBERS.items()
    }
    return {name: values for name, values in numbers.items() if _varies(values)}


def modes_of(stats: Sequence[ImageStats]) -> dict[str, np.ndarray]:
    """Return for each colour mode whether a file has it, (N,) of 0 and 1; empty if all have one."""
    modes = np.array([str(one.mode) for one in stats])
    present = np.unique(modes)
    if len(present) < 2:
        return {}
    return {f"colour mode {mode}": (modes == mode).astype(float) for mode in present}


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Return columns (N, 2) or (N, 3) by which a linear model can follow a number of any spread.

    They are the normal score of its rank, which no outlier bends, the square of that, for a class
    in the middle, and if values are missing, whether they are; a missing one scores 0.
    """
    missing = np.isnan(values)
    scores = np.zeros(len(values))
    present = values[~missing]
    scores[~missing] = norm.ppf((rankdata(present) - 0.5) / max(1, len(present)))
    columns = [scores, scores**2, missing.astype(float)]
    return np.column_stack(columns[: 3 if missing.any() else 2])


def columns_of(stats: Sequence[ImageStats]) -> dict[str, np.ndarray]:
    """Return the columns (N, C) of each measurement, for a linear model."""
    columns = {name: normal_scores(values) for name, values in numbers_of(stats).items()}
    if modes := modes_of(stats):
        columns["colour mode"] = np.column_stack(list(modes.values()))
    return columns


def _varies(values: np.ndarray) -> bool:
    return len(np.unique(values)) > 1  # NaN counts as one value
