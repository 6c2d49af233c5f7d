"""Certificates of finite statements: found in floating point, verified in fractions.

`CERTIFIED` has, by name, a statement and the function that finds its certificates. What finds them
(`finding.py`) and what verifies them (`claims.py`, with `enclosures.py`) share no computation.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dlmath.errors import UserError, did_you_mean
from dlmath.maths.certificates.claims import LeastDegree, PiecewiseNetwork, RungeThreshold
from dlmath.maths.certificates.finding import (
    drawn_function,
    drawn_triangulation,
    find_least_degree,
    find_maxima,
    find_network,
    find_runge_threshold,
)
from dlmath.maths.certificates.maxima import DifferenceOfMaxima
from dlmath.maths.certificates.records import Certificate


@dataclass(frozen=True)
class Certified:
    """A finite statement of which certificates are found.

    Attributes:
        name: As on the command line.
        title: What is certified.
        experiment: The experiment that shows the statement in floating point.
        find: Finds the certificates, one for each instance.
    """

    name: str
    title: str
    experiment: str
    find: Callable[[], list[Certificate]]


def _least_degrees() -> list[Certificate]:
    from dlmath.maths.experiments.decision_boundaries import petals

    return [find_least_degree(*petals(250, degree, 0.03, 0)) for degree in (1, 2, 3, 4)]


def _thresholds() -> list[Certificate]:
    return [find_runge_threshold()]


def _networks() -> list[Certificate]:
    return [find_network(*drawn_function(count, seed)) for seed, count in enumerate((2, 9, 40))]


def _maxima() -> list[Certificate]:
    return [find_maxima(*drawn_triangulation(14, dimension, dimension)) for dimension in (2, 3)]


CERTIFIED = {
    one.name: one
    for one in (
        Certified(
            "least-degree",
            "The least degree of a boundary is exactly what is found",
            "least-degree-is-found",
            _least_degrees,
        ),
        Certified(
            "runge-threshold",
            "Where equidistant interpolation of Runge's function begins to diverge",
            "runge-overfits",
            _thresholds,
        ),
        Certified(
            "piecewise-network",
            "A piecewise affine function of one variable is a ReLU network, exactly",
            "piecewise-affine-is-a-network",
            _networks,
        ),
        Certified(
            "piecewise-maxima",
            "A piecewise affine function of several variables is a network of maxima, exactly",
            "piecewise-affine-is-a-network",
            _maxima,
        ),
    )
}


def certificates_of(experiment: str) -> list[Certified]:
    """Return the certified statements that an experiment shows in floating point, if any."""
    return [one for one in CERTIFIED.values() if one.experiment == experiment]


def certified(name: str) -> Certified:
    """Return the certified statement of that name.

    Raises:
        UserError: There is none.
    """
    if name not in CERTIFIED:
        raise UserError(
            f"There is no certificate {name!r}.{did_you_mean(name, CERTIFIED)} "
            f"Known: {', '.join(CERTIFIED)}."
        )
    return CERTIFIED[name]


__all__ = [
    "CERTIFIED",
    "Certificate",
    "Certified",
    "DifferenceOfMaxima",
    "LeastDegree",
    "PiecewiseNetwork",
    "RungeThreshold",
    "certificates_of",
    "certified",
]
