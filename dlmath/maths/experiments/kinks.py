"""ReLU at its kink: the derivative as a distribution, and what a value at 0 means."""

from collections.abc import Callable

import numpy as np
from numpy.polynomial import Polynomial

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS, relu
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

Function = Callable[[np.ndarray], np.ndarray]

CANDIDATES: dict[str, Function] = {
    "relu": relu,
    "leaky": lambda x: np.maximum(x, 0.1 * x),
    "absolute": np.abs,
    "softplus": lambda x: np.logaddexp(0, x),
}


# ((1 - u)(1 + u))^4 on [-1, 1], with 0 outside: a test function of three derivatives.
BUMP = Polynomial([1.0, 0.0, -1.0]) ** 4
MASS = float(BUMP.integ()(1.0) - BUMP.integ()(-1.0))


def paired(function: Function, weight: Polynomial, centre: float, reach: float) -> float:
    """Return the integral over u in [-1, 1] of function(centre + reach u) weight(u).

    By Gauss and Legendre on both sides of the kink, exact where the function is affine there.
    """
    places, weights = np.polynomial.legendre.leggauss(12)
    kink = float(np.clip(-centre / reach, -1, 1))
    total = 0.0
    for start, stop in ((-1.0, kink), (kink, 1.0)):
        u = (start + stop) / 2 + (stop - start) / 2 * places
        values = function(centre + reach * u) * weight(u)
        total += (stop - start) / 2 * float(weights @ values)
    return total


@experiment(
    title="Only ReLU, up to a constant, has the Heaviside function for its derivative",
    statement=(
        "For every test function phi of compact support, -int f phi' = int H phi over the whole "
        "line for f = ReLU, whether 0 lies inside of the support or on either side of it. The "
        "value of H at 0 is in no integral. For leaky ReLU, |x| or softplus the two sides "
        "differ, by the integral of (f' - H) phi."
    ),
    sources=(
        Source("tsemo", 350, "Proposition 5.2"),
        Source("tsemo", 349, "distribution defined on test functions"),
    ),
    about=("relu", "paired"),
    reference="Rudin, Functional analysis, 1991, section 6.11",
    sabotage=Sabotage("the function is leaky ReLU, of slope 1/10 below 0", {"function": "leaky"}),
)
def heaviside_is_relus_slope(*, function: str = "relu", tests: int = 40, seed: int = 0) -> Outcome:
    """`function` is relu, leaky, absolute or softplus."""
    f = choose("function", function, CANDIDATES)
    rng = seeds.generator("weak derivative", seed)
    centres, reaches = np.sort(rng.uniform(-2, 2, tests)), rng.uniform(0.3, 1.5, tests)
    left, right, total = [], [], []
    for centre, reach in zip(centres, reaches, strict=True):
        # phi(x) = BUMP((x - centre) / reach) has the integral reach times that of BUMP.
        left.append(-paired(f, BUMP.deriv(), centre, reach) / (reach * MASS))
        right.append(paired(lambda x: (x > 0).astype(float), BUMP, centre, reach) / MASS)
        # The fundamental theorem, another way to int H phi: no quadrature, the antiderivative.
        kink = np.clip(-centre / reach, -1, 1)
        total.append((BUMP.integ()(1.0) - BUMP.integ()(kink)) / MASS)
    return Outcome(
        (
            at_most(
                "largest |-int f phi' - int H phi| over int phi",
                np.abs(np.subtract(left, right)).max(),
                1e-11,
            ),
            at_most(
                "largest error of int H phi by its antiderivative",
                np.abs(np.subtract(right, total)).max(),
                1e-11,
            ),
            at_least("supports on the left of 0", float(np.sum(centres + reaches < 0)), 1),
            at_least("supports on the right of 0", float(np.sum(centres - reaches > 0)), 1),
            at_least("supports around 0", float(np.sum(np.abs(centres) < reaches)), 1),
        ),
        curves(
            "Both sides over int phi, by the centre of the test function",
            "centre",
            "integral",
            {
                f"-int {function} phi'": (centres, left),
                "int H phi": (centres, right),
            },
        ),
    )


@experiment(
    title="What the value of ReLU's derivative at 0 means",
    statement=(
        "At 0 ReLU has no derivative: its one-sided slopes are 0 and 1, the central difference "
        "is 1/2. A value v is a subgradient there, ReLU(y) >= v y for all y, if and only if 0 <= "
        "v <= 1. A network computes the same gradient to the bit with any such v as long as no "
        "pre-activation is exactly 0, which happens with probability 0 if weights have a "
        "density; with zero biases and an input of zeros it does happen, and v counts."
    ),
    sources=(
        Source("tsemo", 350, "Proposition 5.2"),
        Source("jiang", 114, "d ReLU_j"),
    ),
    about=("relu", "compute.gradient"),
    reference="Rockafellar, Convex analysis, 1970, section 23; Bertoin et al., Numerical influence "
    "of ReLU'(0) on backpropagation, arXiv:2106.12915",
    sabotage=Sabotage("v is no subgradient", {"value": 1.25}),
)
def value_at_the_kink(*, value: float = 0.5, rows: int = 200, seed: int = 0) -> Outcome:
    """`value` is v."""
    rng = seeds.generator("kink", seed)
    steps = 2.0 ** -np.arange(1, 30)
    points = np.concatenate([-steps[::-1], [0.0], steps])
    right = (relu(steps) - relu(np.zeros(1))) / steps
    left = (relu(-steps) - relu(np.zeros(1))) / -steps
    central = (relu(steps) - relu(-steps)) / (2 * steps)
    inputs = rng.normal(size=(rows, 6))
    weights, outer = rng.normal(size=(6, 16)), rng.normal(size=16)
    generic = inputs @ weights + rng.normal(size=16)
    inputs[0] = 0.0
    silent = inputs @ weights  # without biases: the first row is 0 to the bit

    def gradient(before: np.ndarray, at_zero: float) -> np.ndarray:
        slopes = np.where(before == 0, at_zero, ACTIVATIONS["relu"].slope(before))
        return (slopes * outer) @ weights.T

    return Outcome(
        (
            at_most("slope from the right, away from 1", np.abs(right - 1).max(), 0),
            at_most("slope from the left, away from 0", np.abs(left).max(), 0),
            at_most("central difference, away from 1/2", np.abs(central - 0.5).max(), 0),
            at_least("least of ReLU(y) - v y", (relu(points) - value * points).min(), 0),
            at_most("pre-activations that are 0, with biases", np.sum(generic == 0), 0),
            at_most(
                "with biases: difference of the gradients with v and with 0",
                np.abs(gradient(generic, value) - gradient(generic, 0.0)).max(),
                0,
            ),
            at_most(
                "input of zeros, no biases: the same, away from v times all weights",
                np.abs(
                    (gradient(silent, value) - gradient(silent, 0.0))[0] - value * weights @ outer
                ).max(),
                1e-12,
            ),
            at_most("slope at 0 as taken here", ACTIVATIONS["relu"].slope(np.zeros(1))[0], 0),
        ),
        curves(
            "ReLU and the line through 0 of slope v",
            "y",
            "",
            {
                "ReLU": (np.linspace(-1, 1, 101), relu(np.linspace(-1, 1, 101))),
                "v y": (np.linspace(-1, 1, 101), value * np.linspace(-1, 1, 101)),
            },
        ),
    )
