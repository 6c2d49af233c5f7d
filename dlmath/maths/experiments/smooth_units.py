"""Universal approximation by differences of one smooth activation, in two and three dimensions."""

from math import comb

import numpy as np
from numpy.polynomial import Polynomial

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.experiments.ridges import in_ball
from dlmath.maths.extremes import largest_of
from dlmath.maths.network import Layer, Network, forward
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves
from dlmath.maths.polynomials import monomials, powers

# s' as a polynomial in s itself, for those activations that have one.
_SLOPES = {
    "sigmoid": Polynomial([0, 1, -1]),
    "tanh": Polynomial([1, 0, -1]),
    "linear": Polynomial([1]),
}
SMOOTH = ("sigmoid", "tanh", "sine")


def derivative(activation: str, order: int, x: np.ndarray) -> np.ndarray:
    """Return the derivative of that order, at least 1, of sigmoid, tanh, sine or linear."""
    if activation == "sine":
        return np.sin(x + order * np.pi / 2)
    found = Polynomial([0, 1])
    for _ in range(order):
        found = found.deriv() * _SLOPES[activation]
    return found(ACTIVATIONS[activation].value(x))


def power_network(activation: str, power: int, place: float, step: float, u: np.ndarray) -> Network:
    """Return the power + 1 units whose sum is near (u . x)^power: a central difference of s."""
    steps = np.arange(power + 1) - power / 2
    signs = np.asarray((Polynomial([-1, 1]) ** power).coef, float)[
        :, np.newaxis
    ]  # binomials, + and - by turns
    scale = step**power * derivative(activation, power, np.array(place))
    return (
        Layer(step * np.outer(u, steps), np.full_like(steps, place), ACTIVATIONS[activation]),
        Layer(signs / scale, np.array([0.0])),
    )


@experiment(
    title="Any polynomial, from any smooth activation but a polynomial",
    statement=(
        "Let s be smooth with s^(k)(b) not 0 for k = 1, 2, 3. The k-th central difference of s(h "
        "u . x + b) over h^k s^(k)(b), k + 1 units, differs from (u . x)^k by k h^2 / 24 |u . "
        "x|^(k+2) |s^(k+2)(c)| / |s^(k)(b)| with c within k h / 2 of b. Every cubic "
        "polynomial of two or three variables is a sum of such powers along binomial(k + d - 1, "
        "k) directions for each k, so a network of one hidden layer and of fixed width comes as "
        "near to it as one likes, with an error that falls as h^2. Of a polynomial of degree m "
        "all differences beyond the m-th vanish, as of s(x) = x the second."
    ),
    sources=(
        Source("murari", 378, "not a polynomial"),
        Source("murari", 386, "nonpolynomial activation function"),
        Source("tsemo", 398, "be a continuous function satisfying"),
    ),
    about=("power_network", "derivative"),
    reference="Leshno et al., 1993, step 3 of the proof; Pinkus, 1999, proposition 3.4",
    sabotage=Sabotage("the activation is a polynomial", {"activation": "linear"}),
)
def polynomials_from_any_activation(
    *, activation: str = "sigmoid", place: float = 0.7, seed: int = 0
) -> Outcome:
    """`activation` is sigmoid, tanh, sine or linear; `place` is b."""
    choose("activation", activation, dict.fromkeys([*SMOOTH, "linear"], True))
    steps = 0.4 / 2.0 ** np.arange(5)
    shares_of_bounds = np.array(
        [_one_power(s, place, h, k) for s in SMOOTH for h in steps for k in (1, 2, 3)]
    )
    checks = [
        at_most("one power: largest error over its bound", shares_of_bounds[:, 0].max(), 1 + 1e-5),
        at_least("one power: least over the lower bound", shares_of_bounds[:, 1].min(), 1 - 1e-5),
    ]
    shown = {}
    for dimension in (2, 3):
        rng = seeds.generator("polynomials", seed, dimension)
        points = in_ball(rng, 500, dimension)
        weights = rng.normal(size=len(powers(dimension, 3)))
        f = monomials(points, 3) @ weights
        directions = {k: in_directions(rng, dimension, k) for k in (1, 2, 3)}
        parts = [(points @ u) ** k for k, us in directions.items() for u in us]
        design = np.column_stack([np.ones(len(points)), *parts])
        shares = np.linalg.lstsq(design, f, rcond=None)[0]
        errors = [_error(activation, place, h, directions, shares, points, f) for h in steps]
        ratio = largest_of(found / bound for found, bound in errors)
        rate = np.log(errors[-1][0] / errors[0][0]) / np.log(steps[-1] / steps[0])
        checks += [
            at_most(
                f"{dimension} variables: directions, and 1, away from the coefficients",
                abs(design.shape[1] - len(weights)),
                0,
            ),
            at_most(f"{dimension} variables: largest error over its bound", ratio, 1),
            at_least(f"{dimension} variables: power of h in the error", rate, 1.9),
            at_most(f"{dimension} variables: the same", rate, 2.1),
        ]
        shown[f"{dimension} variables"] = (np.log10(steps), [found for found, _ in errors])
    return Outcome(
        tuple(checks), curves("Error by the step", "log10 of h", "error", shown, log=True)
    )


def in_directions(rng: np.random.Generator, dimension: int, power: int) -> np.ndarray:
    """Return as many random unit vectors as there are monomials of exactly that degree."""
    rows = rng.normal(size=(comb(power + dimension - 1, power), dimension))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _one_power(activation: str, place: float, step: float, power: int) -> tuple[float, float]:
    """Return the error of the difference at u . x = 1, over its upper and its lower bound."""
    network = power_network(activation, power, place, step, np.ones(1))
    found = abs(float(forward(network, np.ones((1, 1))).item()) - 1)
    reach = np.linspace(place - power * step / 2, place + power * step / 2, 201)
    bends = derivative(activation, power + 2, reach)
    slope = abs(float(derivative(activation, power, np.array(place))))
    scale = power * step**2 / 24 / max(slope, 1e-300)
    least = np.abs(bends).min() if np.ptp(np.sign(bends)) == 0 else 0.0
    return found / max(scale * np.abs(bends).max(), 1e-9), found / max(scale * least, 1e-300)


def _error(
    activation: str,
    place: float,
    step: float,
    directions: dict[int, np.ndarray],
    shares: np.ndarray,
    points: np.ndarray,
    f: np.ndarray,
) -> tuple[float, float]:
    """Return the largest error of the network with that step, and its bound."""
    near, bound, number = np.full(len(points), shares[0]), 1e-9, 1
    for power, rows in directions.items():
        reach = np.linspace(place - power * step / 2, place + power * step / 2, 101)
        bend = np.abs(derivative(activation, power + 2, reach)).max()
        slope = abs(float(derivative(activation, power, np.array(place))))
        for u in rows:
            network = power_network(activation, power, place, step, u)
            near = near + shares[number] * forward(network, points).squeeze(axis=1)
            bound += abs(shares[number]) * power * step**2 / 24 * bend / max(slope, 1e-300)
            number += 1
    return float(np.abs(near - f).max()), bound
