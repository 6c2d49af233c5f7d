"""The decay rate of a running mean: how much of the past it keeps."""

import numpy as np

from dlmath import seeds
from dlmath.maths.chance import outside
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.objectives import Objective
from dlmath.maths.optimisers import Adam, Momentum, Optimiser, RmsProp
from dlmath.maths.papers import Source
from dlmath.maths.plots import sequences


def slope(gradient: np.ndarray) -> Objective:
    """Return a function with the same gradient (d,) everywhere, but for a constant."""
    return Objective(lambda x: float(gradient @ x), lambda x: gradient)


def states(optimiser: Optimiser, gradients: np.ndarray) -> tuple[list, np.ndarray]:
    """Return the state after each of the gradients (T, d), and the points (T + 1, d)."""
    points, kept = [np.zeros(gradients.shape[1])], []
    state = optimiser.start(points[0])
    for number, gradient in enumerate(gradients):
        point, state = optimiser.step(slope(gradient), points[-1], state, number)
        points.append(point)
        kept.append(state)
    return kept, np.array(points)


@experiment(
    title="A decay rate says what a running mean keeps of the past",
    statement=(
        "With the decay rate r, 0 <= r < 1, a running mean s <- r s + (1 - r) v from 0 gives the "
        "value of k steps ago the weight (1 - r) r^k; after t steps the weights sum to 1 - r^t, "
        "half of it within the last log(1/2) / log(r) steps, 6.6 at r = 0.9. Of independent "
        "values of variance 1 it has the variance (1 - r) / (1 + r) (1 - r^(2 t)). So it is in "
        "momentum as the papers write it, in RMSProp of the squares, and in both means of Adam. "
        "It is no rate of learning and lowers none: under a gradient that stays the same, "
        "RMSProp's steps tend to the learning rate; Adam's, corrected, are it at once."
    ),
    sources=(Source("tsemo", 119, "decay rate"),),
    about=("Momentum.step", "RmsProp.step", "optimisers.Adam.step"),
    reference="Hinton, Neural networks for machine learning, 2012, lecture 6e; Kingma and Ba, "
    "arXiv:1412.6980, section 3",
    sabotage=Sabotage("the decay rate is 1, and nothing enters", {"decay": 1.0}),
)
def running_means_forget(
    *, decay: float = 0.9, steps: int = 80, draws: int = 4000, seed: int = 0
) -> Outcome:
    """`decay` is r."""
    ages = np.arange(steps)
    weights = (1 - decay) * decay**ages
    pulse = 3.0 * np.eye(steps, 1)  # one gradient, and none after it
    found = {
        "momentum": _path(Momentum(0.01, decay), pulse) / 3,
        "RMSProp": _path(RmsProp(0.01, decay), pulse) / 9,
        "Adam's mean": _path(Adam(0.01, beta1=decay), pulse, 0) / 3,
        "Adam's mean of squares": _path(Adam(0.01, beta2=decay), pulse, 1) / 9,
    }
    errors = {name: np.abs(values / weights - 1).max() for name, values in found.items()}
    noise = seeds.generator("running means", seed).normal(size=(steps, draws))
    squares = states(Momentum(0.01, decay), noise)[0][-1] ** 2
    variance = (1 - decay) / (1 + decay) * (1 - decay ** (2 * steps))
    halves = int(np.searchsorted(-(decay ** (ages + 1.0)), -0.5)) + 1
    misses, last = path_errors(decay, steps)
    return Outcome(
        (
            *(
                at_most(f"{name}: largest relative error of the weights", error, 1e-9)
                for name, error in errors.items()
            ),
            *(
                at_most(f"{name}: largest relative error of the path", miss, 1e-11)
                for name, miss in misses.items()
            ),
            at_least(
                "sum of the weights over 1 - r^t", weights.sum() / (1 - decay**steps), 1 - 1e-9
            ),
            at_least("steps that hold half of the weight", halves, np.log(0.5) / np.log(decay)),
            at_most("the same, less 1", halves - 1, np.log(0.5) / np.log(decay)),
            at_most(
                "the formula's variance outside of the drawn one's interval",
                outside(squares, variance),
                0,
            ),
            at_most("RMSProp: last step over the learning rate", last, 1.001),
            at_least("RMSProp: the same", last, 0.999),
        ),
        sequences(
            "Weight of a gradient, by its age",
            "age in steps",
            "weight",
            {"momentum": found["momentum"], "(1 - r) r^k": weights},
            log=True,
        ),
    )


def _path(optimiser: Optimiser, gradients: np.ndarray, part: int | None = None) -> np.ndarray:
    """Return one number of the state after each gradient: the whole of it, or a part."""
    kept = states(optimiser, gradients)[0]
    return np.array([float((state if part is None else state[part])[0]) for state in kept])


def path_errors(decay: float, steps: int) -> tuple[dict[str, float], float]:
    """Return how far three paths are from their formulas, and RMSProp's last step over the rate.

    Momentum sees one gradient and none after it, the others one and the same again and again.
    """
    pulse, steady = 3 * np.eye(steps, 1), np.full((steps, 1), 5.0)
    sums = 1 - decay ** np.arange(1.0, steps + 1)  # 1 - r^t
    lengths = 5 / (5 * np.sqrt(sums) + 1e-8)  # the root of the mean of squares is 5 sqrt(1 - r^t)
    paths: dict[str, tuple[Optimiser, np.ndarray, np.ndarray]] = {
        "momentum after one gradient": (Momentum(0.01, decay), pulse, 3 * sums),
        "RMSProp, one gradient": (RmsProp(0.01, decay), steady, np.cumsum(lengths)),
        "Adam, one gradient": (Adam(0.01, decay), steady, np.arange(1, steps + 1) / (1 + 2e-9)),
    }
    errors = {
        name: float(np.abs(states(optimiser, seen)[1][1:, 0] / (-0.01 * wanted) - 1).max())
        for name, (optimiser, seen, wanted) in paths.items()
    }
    last = np.diff(states(RmsProp(0.01, decay), steady)[1][:, 0])[-1] / -0.01
    return errors, float(last)
