"""Experiments on drift: what a change of only the inputs can cost, and what it cannot show."""

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from dlmath import seeds
from dlmath.maths.chance import frequency_range
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.objectives import logistic_loss
from dlmath.maths.optimisers import minimise
from dlmath.maths.papers import Source
from dlmath.maths.perceptron import embed
from dlmath.maths.plots import curves
from dlmath.maths.second_order import Newton, backtrack

GRID = np.linspace(-8, 11, 20_001)


def truth(x: np.ndarray, moved: float) -> np.ndarray:
    """Return P(y = 1 | x), whose boundary lies at `moved`, and at `moved` + 2.1 turns back."""
    return expit(6 * np.sin(1.5 * (x - moved)))


def trained(middle: float, moved: float, seed: int) -> np.ndarray:
    """Return weight and bias of a logistic regression on 600 examples with x from N(middle, 1)."""
    rng = seeds.generator("shift", seed, f"{middle:g}")
    x = middle + rng.normal(size=600)
    y = (rng.random(600) < truth(x, moved)).astype(float)
    # A trace of a penalty gives separable data a minimum too.
    loss = logistic_loss(embed(x[:, np.newaxis]), y, 1e-6)
    return minimise(loss, np.zeros(2), Newton(backtrack), 50, tolerance=1e-9).points[-1]


def error(weights: np.ndarray, middle: float, moved: float) -> float:
    """Return the share of mistakes of a classifier where x is from N(middle, 1), by quadrature."""
    yes = weights[0] * GRID + weights[1] > 0
    p = truth(GRID, moved)
    return expected(np.where(yes, 1 - p, p), middle)


def expected(values: np.ndarray, middle: float) -> float:
    """Return the mean of a function, given on GRID, where x is from N(middle, 1)."""
    return float(np.trapezoid(values * norm.pdf(GRID - middle), GRID))


@experiment(
    title="Data drift costs at most the distance of the laws",
    statement=(
        "If the law of the inputs changes and P(y | x) does not, the error of a classifier that "
        "stays as it is changes by at most the total variation distance of the two laws; it may "
        "lose most of its accuracy, and training on new data mends it. No smaller bound is right: "
        "a classifier that errs just where the new law is denser loses as much. If P(y | x) "
        "changes, the error may grow though no input does: looking at only the inputs cannot tell."
    ),
    sources=(Source("tsemo", 27, "data drift"),),
    about=("truth", "trained", "error", "expected"),
    reference="Ben-David et al., A theory of learning from different domains, 2010, theorem 1",
    sabotage=Sabotage("the meaning of the inputs changes too", {"concept": 0.7}),
)
def drift_costs_at_most_the_distance(*, concept: float = 0.0, seed: int = 0) -> Outcome:
    """`concept` moves the true boundary after training; inputs move from 0 to 3 deviations."""
    shifts = np.linspace(0, 3, 31)
    classifier = trained(0.0, 0.0, seed)
    before = error(classifier, 0.0, 0.0)
    errors = np.array([error(classifier, shift, concept) for shift in shifts])
    distances = 2 * norm.cdf(shifts / 2) - 1  # total variation of N(0, 1) and N(shift, 1)
    retrained = trained(shifts[-1], concept, seed)
    again = error(retrained, shifts[-1], concept)
    at_worst = np.array([expected(s / 2 < GRID, s) - expected(s / 2 < GRID, 0.0) for s in shifts])
    least = expected(np.minimum(truth(GRID, concept), 1 - truth(GRID, concept)), shifts[-1])
    # Of the classifier's own choices at 200,000 drawn inputs, labels drawn as well.
    rng = seeds.generator("shift", seed, "counted")
    x = shifts[-1] + rng.normal(size=200_000)
    said = rng.random(len(x)) < truth(x, concept)
    counted = np.mean((retrained[0] * x + retrained[1] > 0) != said)
    low, high = frequency_range(again, len(x))
    return Outcome(
        (
            at_most(
                "largest |change of the error| less the distance",
                (np.abs(errors - before) - distances).max(),
                1e-9,
            ),
            at_most(
                "a classifier that errs where the new law is denser: loss away from the distance",
                np.abs(at_worst - distances).max(),
                1e-3,
            ),
            at_least("accuracy that was lost at the farthest", errors[-1] - before, 0.3),
            at_most("error after training again, over that", again / errors[-1], 0.5),
            at_least("the same, over the least that any classifier has", again / least, 1),
            at_least("its mistakes on 200,000 drawn examples, over the error", counted / low, 1),
            at_most("the same, the other way", counted / high, 1),
        ),
        curves(
            "Error of a classifier that stays as it is",
            "shift of the inputs, in deviations",
            "change of the error",
            {"error": (shifts, np.abs(errors - before)), "distance": (shifts, distances)},
        ),
    )
