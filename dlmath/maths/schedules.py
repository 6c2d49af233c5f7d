"""Learning rates over time: functions of the number of the step, from 0."""

import math
from collections.abc import Callable

Schedule = Callable[[int], float]


def constant(rate: float) -> Schedule:
    """Return the same rate for every step."""
    return lambda step: rate


def inverse_time(rate: float, half: float) -> Schedule:
    """Return rate / (1 + step / half).

    Its sum diverges and the sum of its squares converges, as Robbins and Monro (1951) ask for
    stochastic gradients.
    """
    return lambda step: rate / (1 + step / half)


def exponential(rate: float, factor: float) -> Schedule:
    """Return rate * factor^step."""
    return lambda step: rate * factor**step


def cosine(rate: float, steps: int) -> Schedule:
    """Return rate (1 + cos(pi step / steps)) / 2, and 0 from `steps` on."""
    return lambda step: rate * (1 + math.cos(math.pi * min(step / steps, 1))) / 2
