"""What can be measured of a file without knowing what is on the picture, as numbers."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import norm, rankdata

from dlmath.audit.facts import Facts

_NUMBERS: dict[str, Callable[[Facts], float | None]] = {
    "file size": lambda facts: facts.size,
    "width": lambda facts: facts.width,
    "height": lambda facts: facts.height,
    "aspect ratio": lambda facts: facts.width / facts.height,  # type: ignore[operator]
    "area": lambda facts: facts.width * facts.height,  # type: ignore[operator]
    "JPEG quality": lambda facts: facts.quality,
    "mean brightness": lambda facts: facts.brightness,
    "border brightness": lambda facts: facts.border,
    "border spread": lambda facts: facts.border_spread,
}


def numbers_of(facts: Sequence[Facts]) -> dict[str, np.ndarray]:
    """Return the numbers (N,) of sound files by name; NaN where a PNG has no JPEG quality.

    What is the same for all of them is left out.
    """
    numbers = {
        name: np.array([number(one) for one in facts], float) for name, number in _NUMBERS.items()
    }
    return {name: values for name, values in numbers.items() if _varies(values)}


def modes_of(facts: Sequence[Facts]) -> dict[str, np.ndarray]:
    """Return for each colour mode whether a file has it, (N,) of 0 and 1; empty if all have one."""
    modes = np.array([str(one.mode) for one in facts])
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


def columns_of(facts: Sequence[Facts]) -> dict[str, np.ndarray]:
    """Return the columns (N, C) of each measurement, for a linear model."""
    columns = {name: normal_scores(values) for name, values in numbers_of(facts).items()}
    if modes := modes_of(facts):
        columns["colour mode"] = np.column_stack(list(modes.values()))
    return columns


def _varies(values: np.ndarray) -> bool:
    return len(np.unique(values)) > 1  # NaN counts as one value
