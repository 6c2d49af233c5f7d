"""Errata of Tsemo's paper: optimisation, the perceptron, logistic regression and approximation."""

from collections.abc import Callable

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import relu
from dlmath.maths.datasets import separable
from dlmath.maths.errata.erratum import (
    HISTORY,
    LOST_FORMULA,
    MATHEMATICS,
    PRINT,
    READING,
    Comparison,
    Erratum,
    violations,
)
from dlmath.maths.objectives import Objective, logistic_loss
from dlmath.maths.optimisers import GradientDescent, minimise
from dlmath.maths.papers import Source
from dlmath.maths.perceptron import embed, learn_perceptron
from dlmath.maths.second_order import Newton, backtrack
from dlmath.maths.separation import separating_plane

# x^2 / 2 + cos y: 1-smooth and bounded below, with saddles at (0, 0) and minima at (0, pi).
WAVES = Objective(
    lambda p: float(p[0] ** 2 / 2 + np.cos(p[1])), lambda p: np.array([p[0], -np.sin(p[1])])
)

Limit = Callable[[np.ndarray, bool], bool]  # (limit of a descent, whether its start was drawn)


def _critical_points() -> list[tuple[bool, bool]]:
    """Return whether x^2, x^3 and x are critical at 0, and whether they have an extremum there."""
    around = np.array([-1e-2, 1e-2])
    cases = []
    for power in (2, 3, 1):
        rises = around**power
        cases.append((power > 1, bool(np.all(rises > 0) or np.all(rises < 0))))
    return cases


def _wrong_limits(claim: Limit) -> float:
    """Return how many of 21 descents on `WAVES` at rate 1/2 do not end as claimed."""
    starts = seeds.generator("limits").uniform(-3, 3, (20, 2))
    runs = [(start, True) for start in starts] + [(np.array([1.0, 0.0]), False)]
    return violations(
        claim,
        [
            (minimise(WAVES, start, GradientDescent(0.5), 400).points[-1], drawn)
            for start, drawn in runs
        ],
    )


def _ends_in_a_minimum(end: np.ndarray) -> bool:
    return bool(np.linalg.norm(WAVES.gradient(end)) < 1e-6 and np.cos(end[1]) < 0)


def _misjudged_updates(bound: Callable[[float, float], float]) -> float:
    """Return by how much more a bound grows than the updates, where all data are doubled."""
    points, labels, normal = separable(40, 2, 0.1, 0)
    values, updates = [], []
    for factor in (1.0, 2.0):
        rows = factor * points
        radius = np.linalg.norm(rows, axis=1).max()
        values.append(bound(radius, (labels * (rows @ normal)).min() / np.linalg.norm(normal)))
        updates.append(learn_perceptron(rows, labels).updates)
    return abs(values[1] / values[0] - updates[1] / updates[0])


def _accuracy_lost(fit: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> float:
    """Return the accuracy of the threshold 0 less that of a fit, on 22 points, 2 far out."""
    x = np.concatenate([np.linspace(-2, -0.1, 10), np.linspace(0.1, 2, 10), [25.0] * 2])
    labels = np.array([0.0] * 10 + [1.0] * 10 + [0.0] * 2)
    features = embed(x[:, np.newaxis])
    right = (features @ fit(features, labels) > 0) == labels
    return float(np.mean((x > 0) == labels) - np.mean(right))


def _least_loss(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    loss = logistic_loss(features, labels)
    return minimise(loss, np.zeros(2), Newton(backtrack), 100, tolerance=1e-12).points[-1]


def _hidden_layers() -> list[tuple[int, bool]]:
    """Return (hidden layers, whether a network with so many is right on exclusive or)."""
    points = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    labels = np.array([-1.0, 1, 1, -1])
    score = 2 * relu(points @ [1.0, -1]) + 2 * relu(points @ [-1.0, 1]) - 1  # one hidden layer
    deeper = relu(score) - relu(-score)  # and a second that changes nothing
    plane = separating_plane(embed(points), labels)
    separated = (plane is not None, np.all(score * labels > 0), np.all(deeper * labels > 0))
    return [(hidden, bool(done)) for hidden, done in enumerate(separated)]


def _derivatives_left(tests: list[np.ndarray]) -> float:
    """Return how many of H, 0 and 1 - H the test functions misjudge as a derivative of ReLU."""
    x = np.linspace(-2, 2, 4001)
    step = x[1] - x[0]

    def agrees(density: np.ndarray) -> bool:
        return all(
            abs(np.sum(density * phi) + np.sum(relu(x) * np.gradient(phi, step))) * step < 1e-2
            for phi in tests
        )

    heaviside = (x > 0).astype(float)
    wrong = (np.zeros_like(x), 1 - heaviside)
    return float(not agrees(heaviside)) + sum(agrees(density) for density in wrong)


def _bumps() -> list[np.ndarray]:
    """Return smooth functions of compact support: exp(-1 / (1 - t^2)) around two centres."""
    x = np.linspace(-2, 2, 4001)
    squares = [np.minimum((x - centre) ** 2, 1 - 1e-9) for centre in (-0.5, 0.5)]
    return [np.exp(-1 / (1 - square)) for square in squares]


def _gap_to_a_step(target: np.ndarray) -> float:
    """Return the least sup error of ever steeper sigmoids to a function on [-1, 1]."""
    x = np.linspace(-1, 1, 200_001)
    networks = [1 / (1 + np.exp(-np.clip(k * x, -500, 500))) for k in (5, 10, 1e3, 1e5)]
    return min(float(np.abs(network - target).max()) for network in networks)


def _misplaced(results: tuple[tuple[int, str], ...]) -> float:
    return violations(lambda section, number: number.startswith(f"{section}."), results)


ERRATA = (
    Erratum(
        Source("tsemo", 71, "not a critical (extremum) point"),
        MATHEMATICS,
        "A critical point is an extremum.",
        "0 is critical for x^3, which rises on both sides.",
        "Critical means that the gradient is 0; extrema of differentiable functions are critical, "
        "not the other way round.",
        (
            Comparison(
                "of x^2, x^3 and x, those for which it is false at 0",
                lambda claim: violations(claim, _critical_points()),
                printed=lambda critical, extremum: critical == extremum,
                right=lambda critical, extremum: critical or not extremum,
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("tsemo", 86, "will converge towards a local minimum"),
        MATHEMATICS,
        "With a small enough rate gradient descent converges to a local minimum.",
        "x^2 / 2 + cos y is 1-smooth and bounded below. From (1, 0), at rate 1/2, it converges to "
        "a saddle, and so it does at any smaller rate.",
        "If f is L-smooth and bounded below, the gradient tends to 0 for rates below 2/L. For "
        "rates below 1/L the starts that end in a strict saddle have measure 0 (Lee et al.); that "
        "the points converge at all takes more, such as an analytic f and bounded points.",
        (
            Comparison(
                "descents of 21, 20 of them from drawn starts, that do not end as claimed",
                _wrong_limits,
                printed=lambda end, drawn: _ends_in_a_minimum(end),
                right=lambda end, drawn: (
                    _ends_in_a_minimum(end)
                    if drawn
                    else bool(np.linalg.norm(WAVES.gradient(end)) < 1e-6)
                ),
                wrong_by=1,
            ),
        ),
        "Lee, Simchowitz, Jordan and Recht, Gradient descent only converges to minimizers, "
        "arXiv:1602.04915, theorem 4",
    ),
    Erratum(
        Source("tsemo", 148, "invented in 1943 by W. McCulloch and W. Pitts"),
        HISTORY,
        "The perceptron was invented in 1943 by McCulloch and Pitts.",
        "Their neuron has fixed weights and no rule of learning; Murari (line 524) gives 1957.",
        "The threshold neuron is of 1943, the perceptron with its rule of Rosenblatt, 1957 "
        "(report) and 1958 (paper).",
        reference="Rosenblatt, The perceptron: a probabilistic model for information storage and "
        "organization in the brain, Psychological Review 65, 1958",
    ),
    Erratum(
        Source("tsemo", 206, "is proportional to"),
        LOST_FORMULA,
        "The number of updates is proportional to a lost formula in R, the bound of the norms, so "
        "normalising improves performance.",
        "If the formula is R^2 without the margin: multiplying all data by 2 multiplies it by 4, "
        "and the updates are the same.",
        "The bound is (R / margin)^2, which no common factor changes. Scaling feature by feature "
        "helps where it raises the margin relative to R, as it does for features in unlike units.",
        (
            Comparison(
                "growth of the bound less that of the updates, as all data are doubled",
                _misjudged_updates,
                printed=lambda radius, margin: radius**2,
                right=lambda radius, margin: (radius / margin) ** 2,
                wrong_by=1,
                within=1e-9,
            ),
        ),
    ),
    Erratum(
        Source("tsemo", 227, "which is the best classifier of"),
        READING,
        "The minimum of the logistic loss is the best classifier.",
        "Not the one with the fewest errors: with two far outliers of 22 points it is right on "
        "fewer points than the threshold 0.",
        "It is the best in likelihood, which is how the paper compares hyperplanes here. The "
        "number of errors is another criterion, and hard to minimise.",
        (
            Comparison(
                "accuracy of the threshold 0 less that of the classifier",
                _accuracy_lost,
                printed=_least_loss,
                right=lambda features, labels: np.array([1.0, 0.0]),
                wrong_by=0.1,
            ),
        ),
    ),
    Erratum(
        Source("tsemo", 272, "more than one hidden layer"),
        READING,
        "Networks with more than one hidden layer classify what no plane separates.",
        "That it takes more than one is not said, and is false: two ReLU units in one hidden "
        "layer are right on exclusive or, which no plane separates.",
        "One hidden layer is enough, as Theorem 5.1 of the paper says itself.",
        (
            Comparison(
                "networks with 0, 1 and 2 hidden layers of which it is false",
                lambda claim: violations(claim, _hidden_layers()),
                printed=lambda hidden, separates: separates == (hidden > 1),
                right=lambda hidden, separates: separates == (hidden >= 1),
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("tsemo", 349, "test functions with finite support"),
        MATHEMATICS,
        "ReLU is a distribution on test functions with finite support.",
        "A continuous function that vanishes outside finitely many points is 0. On it every "
        "function is a derivative of ReLU.",
        "Test functions are smooth, with compact support.",
        (
            Comparison(
                "functions of H, 0 and 1 - H that are misjudged as a derivative of ReLU",
                _derivatives_left,
                printed=[np.zeros(4001)],
                right=_bumps(),
                wrong_by=2,
            ),
        ),
    ),
    Erratum(
        Source("tsemo", 350, "Proposition 5.2"),
        PRINT,
        "The derivative of ReLU is Proposition 5.2.",
        "It stands in section 4, and section 5 has a Corollary 5.2 (line 430).",
        "It is Proposition 4.2: it follows Lemma 4.1.",
        (
            Comparison(
                "results whose number is not of their section",
                _misplaced,
                printed=((4, "4.1"), (4, "5.2"), (5, "5.1"), (5, "5.2"), (5, "5.3")),
                right=((4, "4.1"), (4, "4.2"), (5, "5.1"), (5, "5.2"), (5, "5.3")),
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("tsemo", 397, "every function defined on a compact subset"),
        MATHEMATICS,
        "Every function on a compact set is approximated arbitrarily well (in the maximum norm).",
        "A step is at least 1/2 from every continuous function, whichever the network.",
        "Every continuous function, as Theorem 5.1 says; measurable ones in the mean.",
        (
            Comparison(
                "least sup error of ever steeper sigmoids to a function of the class",
                _gap_to_a_step,
                printed=(np.linspace(-1, 1, 200_001) > 0).astype(float),
                right=1 / (1 + np.exp(-5 * np.linspace(-1, 1, 200_001))),
                wrong_by=0.499,
                within=1e-12,
            ),
        ),
    ),
)
