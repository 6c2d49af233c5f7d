"""Logistic regression: whether a minimum exists, and what its loss has to do with likelihood."""

import math

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from dlmath import seeds
from dlmath.maths.differences import derivative_error
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.objectives import logistic_loss
from dlmath.maths.optimisers import GradientDescent, Trace, minimise
from dlmath.maths.papers import Source
from dlmath.maths.perceptron import embed
from dlmath.maths.plots import curves
from dlmath.maths.second_order import Newton, backtrack, hessian_of
from dlmath.maths.separation import separating_plane, weakly_separating_plane


def overlapping(points: int, distance: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return embedded points (2 N, 3) of two classes whose means lie `distance` apart."""
    rng = seeds.generator("overlapping", seed)
    labels = np.repeat([0.0, 1.0], points)
    rows = rng.normal(size=(2 * points, 2))
    rows[:, 0] += distance * (labels - 0.5)
    return embed(rows), labels


def logistic_error(features: np.ndarray, labels: np.ndarray) -> float:
    """Return how far `logistic_loss` of embedded rows is from its definition, at l2 = 0.3.

    The value is compared with -log P(y | x), the derivatives with differences, and the Fisher
    information with the Hessian, which it is.
    """
    loss, w = logistic_loss(features, labels, l2=0.3), np.linspace(-0.4, 0.7, features.shape[1])
    chances = expit((2 * labels - 1) * (features @ w))
    value = -np.mean(np.log(chances)) + 0.15 * np.sum(w**2)
    assert loss.metric is not None
    return largest_of(
        abs(loss.value(w) - value),
        derivative_error(loss, w),
        float(np.abs(loss.metric(w) - hessian_of(loss)(w)).max()),
    )


@experiment(
    title="The logistic loss has a minimum if and only if no plane separates, even weakly",
    statement=(
        "If no hyperplane has each class on a side of its own, points on the plane allowed but "
        "not all, the loss has a minimum, which gradient descent and Newton's method both find. "
        "If one does, the loss falls for ever along its normal: there is no minimum, even where "
        "points of both classes lie on the plane, so that it does not separate them strictly."
    ),
    sources=(
        Source("tsemo", 227, "The global minimum, if it exists"),
        Source("tsemo", 228, "we can find hyperplanes that classify a high percentage"),
        Source("tsemo", 249, "We choose the number of epochs"),
    ),
    about=("logistic_loss", "GradientDescent.step", "Newton.step"),
    reference="Albert and Anderson, On the existence of maximum likelihood estimates, 1984",
    sabotage=Sabotage("a plane separates but for points of both classes on it", {"weakly": True}),
)
def logistic_minimum(
    *,
    weakly: bool = False,
    distance: float = 2.0,
    points: int = 60,
    steps: int = 6000,
    seed: int = 0,
) -> Outcome:
    """`distance` is that between the means of the two classes, whose deviation is 1.

    `weakly` puts each class on its side of x_1 = 0, but for six points on that plane.
    """
    features, labels = overlapping(points, distance, seed)
    if weakly:
        features[:, 0] = np.abs(features[:, 0]) * (2 * labels - 1)
        features[points - 3 : points + 3, 0] = 0
        features[points - 3 : points + 3, 1] = [-1, 0, 1, -1, 0, 1]
    loss = logistic_loss(features, labels)
    rate = 4 / np.linalg.eigvalsh(features.T @ features / len(labels))[-1]  # 1/L, as s' <= 1/4
    descent = minimise(loss, np.zeros(3), GradientDescent(rate), steps)
    newton = minimise(loss, np.zeros(3), Newton(backtrack), 25).points[-1]
    norms = np.linalg.norm(descent.points, axis=1)
    plane = weakly_separating_plane(features, 2 * labels - 1)
    every = np.unique(np.geomspace(1, len(norms) - 1, 200).astype(int))
    return Outcome(
        (
            at_most("planes that separate, at least weakly", float(plane is not None), 0),
            at_most("gradient where Newton ends", np.abs(loss.gradient(newton)).max(), 1e-9),
            at_most(
                "growth of the weights over the second half of the steps",
                norms[-1] / norms[len(norms) // 2] - 1,
                1e-6,
            ),
            at_most(
                "distance between the two methods' ends",
                np.linalg.norm(descent.points[-1] - newton),
                1e-6,
            ),
            at_most(
                "logistic loss away from its definition", logistic_error(features, labels), 1e-7
            ),
        ),
        curves(
            "Length of the weights",
            "log10 of step",
            "length",
            {
                "gradient descent": (np.log10(every), norms[every]),
                "Newton's": (np.log10(every), np.full(len(every), np.linalg.norm(newton))),
            },
        ),
    )


def widest_margin(features: np.ndarray, labels: np.ndarray) -> float:
    """Return the largest margin of a hyperplane through 0, or NaN where none separates.

    The least |w| with y w . x >= 1 for all rows is one over it, as for support vector machines.
    """
    first = separating_plane(features, labels)
    if first is None:
        return float("nan")
    signed = features * labels[:, np.newaxis]
    sides = {"type": "ineq", "fun": lambda w: signed @ w - 1, "jac": lambda w: signed}
    found = minimize(
        lambda w: w @ w / 2, first, jac=lambda w: w, constraints=sides, method="SLSQP", tol=1e-12
    ).x
    return float((signed @ found).min() / np.linalg.norm(found))


@experiment(
    title="On separable data the weights grow like the logarithm of the steps",
    statement=(
        "If a plane separates the classes, with margin m, gradient descent of rate r <= 1/L on the "
        "logistic loss diverges: the loss after t steps is at most 1/t + (log t)^2 / (2 m^2 r t), "
        "and the length of the weights grows like log(t) / m, the faster part first: for points "
        "that are all as far from the plane exactly so, and the loss falls like 1/t."
    ),
    sources=(
        Source("tsemo", 227, "if it exists"),
        Source("tsemo", 263, "visualize whether it decreases"),
    ),
    about=("logistic_loss", "GradientDescent.step"),
    reference="Soudry et al., Implicit bias of gradient descent, arXiv:1710.10345; the bound of "
    "the loss: Nesterov, 2004, theorem 2.1.14, towards log(t) / m times the best normal",
    sabotage=Sabotage("no plane separates the classes", {"distance": 2.0}),
)
def separable_weights_diverge(
    *, distance: float = 10.0, points: int = 40, steps: int = 8000, seed: int = 0
) -> Outcome:
    """`distance` is that between the means of the two classes, whose deviation is 1."""
    features, labels = overlapping(points, distance, seed)
    margin = widest_margin(features, 2 * labels - 1)
    loss = logistic_loss(features, labels)
    rate = 4 / np.linalg.eigvalsh(features.T @ features / len(labels))[-1]
    trace = minimise(loss, np.zeros(3), GradientDescent(rate), steps)
    times = np.unique(np.geomspace(steps / 10, steps, 60).astype(int))
    norms = np.linalg.norm(trace.points, axis=1)
    logs = np.log(times)
    line = np.polyfit(logs, norms[times], 1)
    t = np.arange(1, steps + 1)
    bound = 1 / t + np.log(t) ** 2 / (2 * margin**2 * rate * t)
    # Two points, 0.7 to either side: w -> w + r 0.7 s(-0.7 w), computed without the loss.
    alike = logistic_loss(np.array([[0.7], [-0.7]]), np.array([1.0, 0.0]))
    pair = minimise(alike, np.zeros(1), GradientDescent(4.0), steps)
    exact = [0.0]
    for _ in range(steps):
        exact.append(exact[-1] + 4 * 0.7 / (1 + math.exp(0.7 * exact[-1])))
    growth = np.polyfit(logs, pair.points[times, 0], 1)[0]
    power = np.polyfit(logs, np.log(pair.values[times]), 1)[0]
    return Outcome(
        (
            at_most("largest loss over its bound", (trace.values[1:] / bound).max(), 1),
            # log(t) / m is approached from below, as fast as log log t / log t falls.
            at_least("growth of the length per unit of log t, times m", line[0] * margin, 0.5),
            at_most("the same", line[0] * margin, 1 + 1e-2),
            at_least(
                "margin in the end over the widest", _margin(trace, features, labels) / margin, 0.75
            ),
            at_most(
                "two points: weights away from their recurrence",
                np.abs(pair.points[:, 0] - exact).max(),
                1e-9,
            ),
            at_most(
                "two points: growth per log t, times m, away from 1", abs(growth * 0.7 - 1), 0.01
            ),
            at_most(
                "logistic loss away from its definition", logistic_error(features, labels), 1e-7
            ),
            at_most("two points: power of t in the loss, away from -1", abs(power + 1), 0.01),
        ),
        curves(
            "Length of the weights",
            "log of step",
            "length",
            {"length": (logs, norms[times]), "line": (logs, np.polyval(line, logs))},
        ),
    )


def _margin(trace: Trace, features: np.ndarray, labels: np.ndarray) -> float:
    end = trace.points[-1]
    return float(((2 * labels - 1) * (features @ end)).min() / np.linalg.norm(end))


@experiment(
    title="Maximum likelihood is the least cross-entropy",
    statement=(
        "For independent examples the log-likelihood of the labels is -N times the mean "
        "cross-entropy, so both have the same maximiser. For dependent labels the product of "
        "the examples' probabilities is not the likelihood."
    ),
    sources=(
        Source("foundations", 82, "argmax"),
        Source("foundations", 84, "equivalent to minimizing the negative log-likelihood"),
        Source("tsemo", 305, "The loss function we use is the cross-entropy"),
        Source("murari", 156, r"\log[p_\theta(\mathbf{x}_i)]_k"),
        Source("foundations", 63, "Probabilistic interpretation"),
        Source("foundations", 74, "P(y = k|x)"),
    ),
    about=("_log_likelihood", "compute.entropy"),
    reference="Bishop, Pattern recognition and machine learning, 2006, section 4.3.4",
    sabotage=Sabotage("each label copies the one before in some cases", {"dependence": 0.6}),
)
def likelihood_is_cross_entropy(
    *, dependence: float = 0.0, rows: int = 10, seed: int = 0
) -> Outcome:
    """`dependence` is the chance that a label copies the one before it."""
    rng = seeds.generator("likelihood", seed)
    x = rng.normal(size=rows)
    grid = np.linspace(-3, 3, 121)
    labels = (rng.random(rows) < expit(1.2 * x)).astype(float)
    joint = np.array([_log_likelihood(labels, expit(w * x), dependence) for w in grid])
    loss = logistic_loss(x[:, np.newaxis], labels)
    entropy = np.array([loss.value(np.array([w])) for w in grid])
    # All 2^N labellings at one w: their probabilities must sum to 1, or it is no likelihood.
    p = expit(1.2 * x)
    every = (np.arange(2**rows)[:, np.newaxis] >> np.arange(rows)) & 1
    total = sum(np.exp(_log_likelihood(one, p, dependence)) for one in every.astype(float))
    return Outcome(
        (
            at_most(
                "largest |log-likelihood + N cross-entropy|",
                np.abs(joint + rows * entropy).max(),
                1e-10,
            ),
            at_most(
                "distance between the two best weights",
                abs(grid[joint.argmax()] - grid[entropy.argmin()]),
                1e-12,
            ),
            at_most("sum of the likelihoods of all labellings, away from 1", abs(total - 1), 1e-9),
        ),
        curves(
            "Log-likelihood by weight",
            "weight",
            "log-likelihood",
            {"log-likelihood": (grid, joint), "-N cross-entropy": (grid, -rows * entropy)},
        ),
    )


def _log_likelihood(labels: np.ndarray, p: np.ndarray, dependence: float) -> float:
    """Return log P(labels): each is drawn from p, or with chance `dependence` copies the last."""
    fresh = np.where(labels == 1, p, 1 - p)
    copied = np.append(0.0, dependence * (labels[1:] == labels[:-1]))
    share = np.append(1.0, np.full(len(labels) - 1, 1 - dependence))
    return float(np.log(share * fresh + copied).sum())
