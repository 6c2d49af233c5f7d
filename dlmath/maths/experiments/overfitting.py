"""Interpolation that overfits, extrapolation that fails, and remedies."""

from collections.abc import Callable

import numpy as np
from numpy.polynomial.chebyshev import chebinterpolate, chebval
from scipy.interpolate import BarycentricInterpolator
from scipy.special import eval_chebyt
from scipy.stats import norm

from dlmath import seeds
from dlmath.maths.chance import frequency_range, mean_range
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of, smallest_of
from dlmath.maths.objectives import logistic_loss
from dlmath.maths.optimisers import minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves
from dlmath.maths.polynomials import monomials
from dlmath.maths.second_order import Newton, backtrack


def runge(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + 25 x^2)."""
    return 1 / (1 + 25 * x**2)


def equidistant(degree: int) -> np.ndarray:
    """Return degree + 1 equidistant points of [-1, 1]."""
    return np.linspace(-1, 1, degree + 1)


def chebyshev(degree: int) -> np.ndarray:
    """Return degree + 1 Chebyshev points of [-1, 1]."""
    return np.cos((2 * np.arange(degree + 1) + 1) * np.pi / (2 * degree + 2))


POLE = 0.2  # 1 / (1 + 25 z^2) has poles at z = i / 5 and -i / 5
# Of equidistant points, the mean of -log|z - t| over t in [-1, 1] at the pole, less 1: it is
# log(1/2) at the ends. (Trefethen, 2013, chapter 13.)
POLE_HEIGHT = -(np.log(1 + POLE**2) / 2 + POLE * (np.pi / 2 - np.arctan(POLE)))
# How fast the interpolation error grows with the degree, its nth root: by potential theory for
# equidistant points at the ends of [-1, 1], and by Bernstein's ellipse for Chebyshev's inside it.
RUNGE_GROWTH = 2 * np.exp(POLE_HEIGHT)  # 1.4902
CHEBYSHEV_DECAY = 1 / (POLE + np.sqrt(1 + POLE**2))  # 0.8198
ELLIPSE_END = np.sqrt(1 + POLE**2)  # 1.0198: where Bernstein's ellipse cuts the axis


def through(places: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return at places (N,) the polynomial through Runge's function at given points."""
    # A generator of its own: SciPy orders the points at random, to stay accurate.
    rng = seeds.generator("barycentric")
    return BarycentricInterpolator(places, runge(places), rng=rng)(at)


def runge_error(places: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return p - f for Runge's function f by Hermite's formula, no polynomial being computed.

    With w(x) = prod (x - x_i) over an odd number of points that lie symmetrically around 0, one of
    them 0, f - p = f(x) (x / c) w(x) / w(c) with c = i / 5: that vanishes at the points, and
    (1 + 25 x^2) p(x) = 1 - (x / c) w(x) / w(c) vanishes at both poles.
    """
    ratio = np.prod((at[:, np.newaxis] - places) / (1j * POLE - places), axis=1)
    return -np.real(at / (1j * POLE) / (1 + (at / POLE) ** 2) * ratio)


@experiment(
    title="Interpolation can overfit: Runge's function",
    statement=(
        "The polynomial through 1/(1 + 25 x^2) at n + 1 equidistant points of [-1, 1] moves "
        "away from it without bound as n grows, by a factor that tends to 1.4902 a degree, "
        "though it is exact at the points. At Chebyshev's points it converges: for even n the "
        "error is at most 1 / (2 sinh((n + 1) arsinh(1/5))). Both errors are Hermite's formula."
    ),
    sources=(
        Source("murari", 325, "the Runge function"),
        Source("murari", 327, "Interpolation can overfit and generalise poorly"),
    ),
    about=("runge", "equidistant", "chebyshev", "through", "runge_error"),
    reference="Runge, 1901; Trefethen, Approximation theory and approximation practice, 2013, "
    "chapters 8, 11 and 13",
    sabotage=Sabotage("the points are Chebyshev's", {"points": "chebyshev"}),
)
def runge_overfits(*, points: str = "equidistant", highest: int = 30) -> Outcome:
    """`points` is equidistant or chebyshev; even degrees run to `highest`."""
    where = choose("points", points, {"equidistant": equidistant, "chebyshev": chebyshev})
    degrees = np.arange(2, highest + 1, 2)
    numbers = degrees.tolist()
    off = {
        name: [_off(at, n) for n in numbers] for name, at in (("run", where), ("good", chebyshev))
    }
    chosen, good = (np.array([np.abs(e).max() for e, _ in pairs]) for pairs in off.values())
    exact = largest_of(
        np.abs(through(where(n), where(n)) - runge(where(n))).max() for n in degrees.tolist()
    )
    swings = np.sinh((degrees + 1) * np.arcsinh(POLE))
    bounds, least = 0.5 / swings, np.array([_at_extremes(n) for n in numbers]) / swings
    growth = (chosen[-1] / chosen[len(chosen) // 2]) ** (
        1 / (degrees[-1] - degrees[len(chosen) // 2])
    )
    ends = 1 - np.geomspace(1e-5, 1, 2000)  # the error is largest near the ends
    first, last = (np.abs(runge_error(where(n), ends)).max() for n in (200, 400))
    later = (last / first) ** (1 / 200)
    return Outcome(
        (
            at_most("largest error at the points themselves", exact, 1e-6),
            at_most(
                "largest gap to Hermite's formula, over the error",
                (np.abs(e - h).max() / np.abs(h).max() for e, h in (*off["run"], *off["good"])),
                1e-6,
            ),
            at_least("growth of the error a degree, in the upper half", growth, 1.4),
            at_most("the same", growth, RUNGE_GROWTH),
            at_least("the same from degree 200 to 400, by the formula", later, RUNGE_GROWTH - 0.01),
            at_most("the same", later, RUNGE_GROWTH),
            at_most("Chebyshev's points: error over its bound", (good / bounds).max(), 1),
            at_least(
                "the same over its value where Chebyshev's polynomial is 1 or -1, least",
                (good / least).min(),
                1 - 1e-6,
            ),
        ),
        curves(
            "Largest error between the points",
            "degree",
            "error",
            {points: (degrees, chosen), "Chebyshev": (degrees, good), "bound": (degrees, bounds)},
            log=True,
        ),
    )


def _off(where: Callable[[int], np.ndarray], degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Return p - f for Runge's function on [-1, 1], as computed and by Hermite's formula."""
    at = np.concatenate([np.linspace(-1, 1, 2001), extremes(degree + 1)])
    return through(where(degree), at) - runge(at), runge_error(where(degree), at)


def extremes(degree: int) -> np.ndarray:
    """Return where Chebyshev's polynomial of a degree is 1 or -1."""
    return np.cos(np.pi * np.arange(degree + 1) / degree)


def _at_extremes(degree: int) -> float:
    """Return the largest 5 |x| / (1 + 25 x^2) at the extremes of degree + 1."""
    places = extremes(degree + 1)
    return float((np.abs(places) / POLE * runge(places)).max())


@experiment(
    title="Extrapolation is unreliable",
    statement=(
        "The polynomial of even degree n through Runge's function at Chebyshev's points is off at "
        "x by 5 |x| T(x) / ((1 + 25 x^2) sinh((n + 1) arsinh(1/5))), T being Chebyshev's "
        "polynomial of degree n + 1. For n = 30 that is below 1e-2 on [-1, 1], above 1 from 1.04 "
        "on. Beyond 1.0198, where Bernstein's ellipse through the poles ends, more points make "
        "it worse, and within they make it better."
    ),
    sources=(
        Source("murari", 331, "behaviour outside $[-1, 1]$ is unreliable"),
        Source("murari", 339, "Performance outside the training regime"),
    ),
    about=("runge", "compute.polynomial", "_chebyshev_error"),
    reference="Trefethen, Approximation theory and approximation practice, 2013, chapter 8",
    sabotage=Sabotage("one looks inside the interval", {"reach": 0.9}),
)
def extrapolation_fails(*, reach: float = 1.5, degree: int = 30) -> Outcome:
    """`reach` is how far from 0 one looks; `degree` is even."""
    # By coefficients: the barycentric formula loses digits outside of the points.
    polynomial = chebinterpolate(runge, degree)  # type: ignore[type-var]
    inside, right = np.linspace(-1, 1, 801), np.linspace(smallest_of(1.0, reach), reach, 50)
    outside = np.concatenate([-right, right])
    missed, off = (chebval(at, polynomial) - runge(at) for at in (inside, outside))
    gap = np.abs(off)
    hermite = runge_error(chebyshev(degree), outside)
    formula = _chebyshev_error(degree, outside)
    fewer = _chebyshev_error(degree - 10, outside[-1:])
    shown = np.linspace(-1.15, 1.15, 400)
    return Outcome(
        (
            at_most("largest error inside", np.abs(missed).max(), 1e-2),
            at_least("error at the farthest place", gap[-1], 1.0),
            at_most(
                "largest gap to the formula, over the error",
                np.abs(gap - formula).max() / formula.max(),
                1e-6,
            ),
            at_most(
                "largest gap to Hermite's formula, sign and all, over the error",
                np.abs(off - hermite).max() / formula.max(),
                1e-6,
            ),
            at_least(
                "error at the farthest place over that of ten degrees fewer",
                gap[-1] / fewer[0],
                1,
            ),
        ),
        curves(
            "Inside and outside of [-1, 1]",
            "x",
            "y",
            {
                "Runge's function": (shown, runge(shown)),
                "polynomial": (shown, np.clip(chebval(shown, polynomial), -1, 2)),
            },
        ),
    )


def _chebyshev_error(degree: int, at: np.ndarray) -> np.ndarray:
    """Return |p - f| at places, by the formula for Chebyshev's points and an even degree."""
    swing = np.abs(eval_chebyt(degree + 1, at)) / np.sinh((degree + 1) * np.arcsinh(POLE))
    return np.abs(at) / POLE / (1 + (at / POLE) ** 2) * swing


DEGREES = (1, 2, 3, 4, 6)
PULL = np.array([1.5, -1.0])  # of an hour and of an absence


@experiment(
    title="The student example: a curve through every point predicts worse",
    statement=(
        "Success is linear in hours and absences, up to noise. A polynomial of high degree fits "
        "the few students of the training set better than a line does, and new ones worse; with "
        "many students it does no harm. On new ones nothing beats the true line."
    ),
    sources=(
        Source("tsemo", 448, "rate of success of a student is a linear function"),
        Source("tsemo", 450, "high-degree polynomial curve"),
        Source("tsemo", 453, "suggests overfitting"),
        Source("tsemo", 447, "may fail to generalize to unseen data"),
    ),
    about=("monomials", "_fit"),
    reference="Hastie, Tibshirani and Friedman, The elements of statistical learning, 2009, 7.2",
    sabotage=Sabotage("there are students in plenty", {"students": 4000}),
)
def student_example(
    *, students: int = 60, noise: float = 0.5, draws: int = 20, seed: int = 0
) -> Outcome:
    """`noise` is the deviation of what decides besides hours and absences."""
    new, truth = _students(4000, noise, seed, "new")
    fits = [
        [_fit(*_students(students, noise, seed, draw), power) for power in DEGREES]
        for draw in range(draws)
    ]
    losses, training = np.transpose([[one[1:] for one in fit] for fit in fits], (2, 0, 1))
    unseen = np.array(
        [
            [
                np.mean((monomials(new, power) @ one[0] > 0) == truth)
                for power, one in zip(DEGREES, fit, strict=True)
            ]
            for fit in fits
        ]
    )  # (draws, degrees)
    plenty = _students(4000, noise, seed, "plenty")
    line, curve = (
        np.mean((monomials(new, power) @ _fit(*plenty, power)[0] > 0) == truth)
        for power in (DEGREES[0], DEGREES[-1])
    )
    certain = norm.cdf(np.abs(new @ PULL) / noise).mean()  # how often the true line is right
    gained, lost = training[:, -1] - training[:, 0], unseen[:, 0] - unseen[:, -1]
    return Outcome(
        (
            at_least("what degree 6 gains in training, least mean", mean_range(gained)[0], 0),
            at_least("what it loses on new students, least mean", mean_range(lost)[0], 0),
            at_most(
                "largest rise of the training loss with the degree", np.diff(losses).max(), 1e-9
            ),
            at_most(
                "most accurate on new students, over the true line's chance",
                unseen.max(),
                frequency_range(certain, len(new))[1],
            ),
            at_most("what degree 6 loses with 4000 students", line - curve, 0.02),
        ),
        curves(
            "Accuracy by degree",
            "degree",
            "accuracy",
            {
                "training": (DEGREES, training.mean(axis=0)),
                "new students": (DEGREES, unseen.mean(axis=0)),
            },
        ),
    )


def _students(
    number: int, noise: float, seed: int, key: int | str
) -> tuple[np.ndarray, np.ndarray]:
    """Return hours and absences (N, 2) in [-1, 1], and whether each student passed (N,)."""
    rng = seeds.generator("students", seed, key)
    rows = rng.uniform(-1, 1, (number, 2))
    return rows, (rows @ PULL + noise * rng.normal(size=number) > 0).astype(float)


def _fit(rows: np.ndarray, passed: np.ndarray, degree: int) -> tuple[np.ndarray, float, float]:
    """Return the logistic regression on monomials: weights, penalised loss, training accuracy."""
    features = monomials(rows, degree)
    # A trace of a penalty gives separable data a minimum too.
    loss = logistic_loss(features, passed, l2=1e-6)
    trace = minimise(loss, np.zeros(features.shape[1]), Newton(backtrack), 60, tolerance=1e-8)
    weights = trace.points[-1]
    return weights, float(trace.values[-1]), float(np.mean((features @ weights > 0) == passed))
