"""Errata of Tsemo's paper."""

import numpy as np

from dlmath.maths.boundaries import least_degree
from dlmath.maths.errata.erratum import Erratum
from dlmath.maths.experiment_base import Check, at_least, at_most
from dlmath.maths.objectives import Objective, logistic_loss
from dlmath.maths.optimisers import GradientDescent, minimise
from dlmath.maths.papers import Source
from dlmath.maths.perceptron import embed
from dlmath.maths.registry import find
from dlmath.maths.second_order import Newton, backtrack


def _half_spaces() -> tuple[Check, ...]:
    def in_quadrant(x: float, y: float) -> bool:
        return x > 0 and y > 0

    ends, middle = ((-1.0, 3.0), (3.0, -1.0)), (1.0, 1.0)
    return (
        at_most(
            "ends of a segment that lie in the intersection", sum(in_quadrant(*e) for e in ends), 0
        ),
        at_least(
            "its middle lies in it: the complement is not convex, as a half-space's is",
            in_quadrant(*middle),
            1,
        ),
    )


def _critical() -> tuple[Check, ...]:
    x = np.array([-1e-3, 0.0, 1e-3])
    return (
        at_most("slope of x^3 at 0", 3 * x[1] ** 2, 0),
        at_least("rise of x^3 across 0, which is no extremum", min(np.diff(x**3)), 1e-12),
    )


def _saddle() -> tuple[Check, ...]:
    objective = Objective(lambda p: float(p[0] ** 2 - p[1] ** 2), lambda p: p * [2.0, -2.0])
    end = minimise(objective, np.array([1.0, 0.0]), GradientDescent(0.1), 500).points[-1]
    return (
        at_most("distance of the limit from 0, a saddle of x^2 - y^2", np.linalg.norm(end), 1e-9),
        at_most(
            "value next to the limit, below its 0", objective.value(np.array([0.0, 0.1])), -0.009
        ),
    )


def _scaling() -> tuple[Check, ...]:
    checks = find("scaling-and-the-perceptron").run().checks
    return checks[:1]


def _best_classifier() -> tuple[Check, ...]:
    x = np.concatenate([np.linspace(-2, -0.1, 10), np.linspace(0.1, 2, 10), [25.0] * 2])
    labels = np.array([0.0] * 10 + [1.0] * 10 + [0.0] * 2)
    features = embed(x[:, np.newaxis])
    loss = logistic_loss(features, labels)
    weights = minimise(loss, np.zeros(2), Newton(backtrack), 100, tolerance=1e-12).points[-1]
    least_loss = np.mean((features @ weights > 0) == labels)
    threshold = np.mean((x > 0) == labels)
    return (
        at_most("gradient at the least loss", np.linalg.norm(loss.gradient(weights)), 1e-9),
        at_least("accuracy of x > 0, less that of the least loss", threshold - least_loss, 0.1),
    )


def _discontinuous() -> tuple[Check, ...]:
    # A continuous g with |g - step| < e on both sides of 0 would jump by 1 - 2 e there.
    x = np.linspace(-1, 1, 200_001)
    errors = [
        np.abs(1 / (1 + np.exp(-np.clip(k * x, -500, 500))) - (x > 0)).max() for k in (10, 1e3, 1e5)
    ]
    return (at_least("least sup error of ever steeper sigmoids to a step", min(errors), 0.499),)


def _compact() -> tuple[Check, ...]:
    rows = np.array([[-1.0, 0.2], [-0.4, -0.7], [0.5, 0.1], [0.9, -0.6]])
    boundary = least_degree(rows, np.array([-1.0, -1, 1, 1]))
    degree = boundary.degree if boundary else 9
    far = np.array([[s * 1e6, t] for s in (-1, 1) for t in (0.0, 1e6, -1e6)])
    signs = len(set(np.sign(boundary(far)))) if boundary else 0
    return (
        at_most("least degree of four points parted by a line", degree, 1),
        at_least("signs far out: the boundary goes to infinity", signs, 2),
    )


ERRATA = (
    Erratum(
        Source("tsemo", 71, "not a critical (extremum) point"),
        "A critical point is an extremum.",
        "0 is critical for x^3, which rises on both sides.",
        "Critical means that the gradient is 0; extrema of differentiable functions are critical, "
        "not the other way round.",
        _critical,
    ),
    Erratum(
        Source("tsemo", 86, "will converge towards a local minimum"),
        "With a small enough rate gradient descent converges to a local minimum.",
        "On x^2 - y^2 from (1, 0) it converges to the saddle; on x it does not converge.",
        "If f is L-smooth and bounded below, the gradient tends to 0 for rates below 2/L; from "
        "almost every start a strict saddle is avoided (Lee et al., arXiv:1602.04915).",
        _saddle,
    ),
    Erratum(
        Source("tsemo", 148, "invented in 1943 by W. McCulloch and W. Pitts"),
        "The perceptron was invented in 1943 by McCulloch and Pitts.",
        "Their neuron has fixed weights and no rule of learning; Murari (line 524) gives 1957.",
        "The threshold neuron is of 1943, the perceptron with its rule of Rosenblatt, 1957 "
        "(report) and 1958 (paper).",
    ),
    Erratum(
        Source("tsemo", 206, "is proportional to"),
        "The number of updates being proportional to R^2, normalising improves performance.",
        "Multiplying all data by 1024 multiplies R and the margin alike; the updates are the same.",
        "The bound is (R / margin)^2, which no common factor changes. Scaling feature by feature "
        "helps where it raises the margin relative to R, as it does for features in unlike units.",
        _scaling,
    ),
    Erratum(
        Source("tsemo", 227, "which is the best classifier of"),
        "A smaller logistic loss is a better classification; its minimum is the best classifier.",
        "With two far outliers of 22 points the minimum of the loss is right on fewer points than "
        "the threshold 0.",
        "It is the best in expected log-likelihood. The number of errors is another criterion, and "
        "hard to minimise.",
        _best_classifier,
    ),
    Erratum(
        Source("tsemo", 397, "every function defined on a compact subset"),
        "Every function on a compact set is approximated arbitrarily well (in the maximum norm).",
        "A step is at least 1/2 from every continuous function, whichever the network.",
        "Every continuous function, as Theorem 5.1 says; measurable ones in the mean.",
        _discontinuous,
    ),
    Erratum(
        Source("tsemo", 427, "-system that generates the Borel"),
        "The half-spaces are a pi-system, so a measure that vanishes on them is 0.",
        "The quadrant x > 0, y > 0 is the intersection of two and none itself.",
        "The conclusion is right, by another way: the measure's image under x -> w . x vanishes on "
        "all half-lines, so its Fourier transform is 0 at every w (Cybenko, lemma 1).",
        _half_spaces,
    ),
    Erratum(
        Source("tsemo", 460, "During each training epoch, a random percentage of neurons"),
        "Dropout turns a random share of the units off during each epoch.",
        "Units that are off for an epoch get no gradient in it: one smaller network is trained, "
        "not an average of many.",
        "The units are drawn again at every step, for every example (Srivastava et al., 2014, 4).",
    ),
    Erratum(
        Source("tsemo", 462, "we may assume these hypersurfaces are compact"),
        "The hypersurfaces may be assumed compact, since the data are finite.",
        "Points on both sides of a line have a boundary of degree 1, which is not compact; a "
        "compact one has even degree.",
        "For the existence of an algebraic approximation one may; not where the least degree is "
        "asked for, as in Definition 5.4.",
        _compact,
    ),
    Erratum(
        Source("tsemo", 463, "(see [4] Theorem [3])"),
        "Nash's theorem is quoted from [4].",
        "[4] is Cybenko's paper.",
        "Tognoli's account is [12]. Nash approximates by components of an algebraic set; that the "
        "whole set can be taken is due to Tognoli.",
    ),
    Erratum(
        Source("tsemo", 473, "in 1988 (see [10])"),
        "Convolutional networks were created in 1988 in [10].",
        "[10] is about backpropagation as a Lagrangian; it has no convolution.",
        "Fukushima's neocognitron is of 1980; LeCun et al. trained one by backpropagation in 1989.",
    ),
)
