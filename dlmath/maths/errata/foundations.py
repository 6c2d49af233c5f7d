"""Errata of the foundations."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.stats import binom

from dlmath import seeds
from dlmath.maths.activations import relu
from dlmath.maths.errata.erratum import MATHEMATICS, READING, Comparison, Erratum, violations
from dlmath.maths.errata.tsemo_networks import NOT_BY_SHIFT
from dlmath.maths.extremes import largest_of
from dlmath.maths.network import softmax
from dlmath.maths.objectives import Objective, log_cosh
from dlmath.maths.optimisers import Adam, minimise
from dlmath.maths.papers import Source
from dlmath.maths.second_order import Newton, backtrack

Vector = np.ndarray
STRAIGHT = Objective(lambda x: float(x.sum()), np.ones_like)
EXPONENTIAL = Objective(  # strictly convex, without a minimum
    lambda x: float(np.exp(x).sum()), np.exp, lambda x: np.diag(np.exp(x))
)
FOURTH_POWER = Objective(  # strictly convex, with a singular Hessian at its minimum
    lambda x: float((x**4).sum()), lambda x: 4 * x**3, lambda x: np.diag(12 * x**2)
)


def _steps_alike(gradients: Callable[[Vector], Vector]) -> float:
    """Return 1 if the steps from different rows are all one, else 0; rows 1, 2 and 6, at w = 0."""
    return float(np.ptp(gradients(np.array([1.0, 2.0, 6.0]))) < 1e-12)


def _first_step(correct: bool) -> float:
    """Return how far Adam's first step under a gradient of 1 is from its rate, over the rate."""
    way = Adam(0.01, bias_correction=correct)
    path = minimise(STRAIGHT, np.zeros(1), way, 1).points[:, 0]
    return float(abs((path[0] - path[1]) / 0.01 - 1))


def _sum_of_chances(chance: Callable[[Vector, int], float]) -> float:
    f = np.array([1.0, 2.0, 0.5])
    return float(abs(sum(chance(f, k) for k in range(3)) - 1))


def _maximiser_missed(likelihood: Callable[[Vector, Vector, Vector], Vector]) -> float:
    """Return how far a maximiser is from that of P(D | t), if x ~ N(t, 1) and y ~ N(t x, 1).

    A likelihood takes the grid of t (G, 1), x (N,) and y (N,), and returns logarithms (G,).
    """
    rng = seeds.generator("likelihood")
    x = 1 + rng.normal(size=40)
    y = x + rng.normal(size=40)
    grid = np.linspace(0, 2, 4001)[:, np.newaxis]
    whole = -((x - grid) ** 2 + (y - grid * x) ** 2).sum(axis=1)
    claimed = likelihood(grid, x, y)
    return float(abs(grid[np.argmax(claimed), 0] - grid[np.argmax(whole), 0]))


def _error_of_fit(act: Callable[[Vector], Vector]) -> float:
    """Return the largest error of the best fit of 128 random units to sin(6 x) on [-1, 1]."""
    rng = seeds.generator("any network")
    x = np.linspace(-1, 1, 400)
    units = act(6 * np.outer(x, rng.normal(size=128)) + 6 * rng.uniform(-1, 1, 128))
    features = np.column_stack([units, np.ones_like(x)])
    best = np.linalg.lstsq(features, np.sin(6 * x), rcond=1e-12)[0]
    return float(np.abs(features @ best - np.sin(6 * x)).max())


def _maps() -> list[tuple[bool, bool, bool]]:
    """Return whether maps are continuous bijections, are networks, have continuous inverses.

    For t -> 2 t on the line, [0, 2 pi) -> circle, and a ReLU layer. An inverse is taken to be
    continuous if two near points come from points as near, up to a factor of 10.
    """
    ends = np.array([1e-6, 2 * np.pi - 1e-6])
    circle = np.column_stack([np.cos(ends), np.sin(ends)])
    pairs = (  # of points before and after, and whether the map is a bijection, and a network
        (np.array([0.0, 1.0]), np.array([0.0, 2.0]), True, False),
        (ends, circle, True, False),
        (np.array([-2.0, -1.0]), relu(np.array([-2.0, -1.0])), False, True),
    )
    return [
        (bijective, network, bool(np.ptp(before) <= 10 * np.linalg.norm(after[0] - after[1])))
        for before, after, bijective, network in pairs
    ]


def _newton_runs() -> Iterator[tuple[bool, bool, bool, bool]]:
    """Yield (line search, near a regular minimum, strongly convex below, whether quadratic).

    Strongly convex means: on the set where f is at most its value at the start. Quadratic means
    that 8 steps bring the slope below 1e-7, where a line search ends by the rounding of values.
    """
    for objective, start, search, near, strongly in (
        (log_cosh(), 0.5, None, True, True),
        (log_cosh(), 1.2, None, False, True),
        (log_cosh(), 8.0, backtrack, False, True),
        (FOURTH_POWER, 1.0, None, False, False),
        (FOURTH_POWER, 1.0, backtrack, False, False),
        (EXPONENTIAL, 0.0, backtrack, False, False),
    ):
        way = Newton(search) if search else Newton()
        points = minimise(objective, np.array([start]), way, 8, tolerance=1e-14).points
        slopes = [abs(float(objective.gradient(point)[0])) for point in points]
        yield search is not None, near, strongly, slopes[-1] < 1e-7


def _class_errors(agnostic: Callable[[float, float], bool]) -> float:
    """Return how many of two laws break a claim on (least error in the class, error aimed at).

    Thresholds on [0, 1]: labels as the threshold 1/2 has them, and with a fifth of them turned.
    """
    places = np.linspace(0, 1, 11)
    least = [float((turned + (1 - 2 * turned) * np.abs(places - 0.5)).min()) for turned in (0, 0.2)]
    return violations(agnostic, [(error, error + 0.05) for error in least])


def _chance_above_the_bound(bound: Callable[[int, int, float], float]) -> float:
    """Return how far the chance of a gap above 0.1 exceeds a bound, for 50 fair hypotheses.

    N = 100 independent examples each; by the binomial law, without a draw.
    """
    outside = 1 - (binom.cdf(60, 100, 0.5) - binom.cdf(39, 100, 0.5))
    return float(largest_of(0.0, 1 - (1 - outside) ** 50 - bound(50, 100, 0.1)))


ERRATA = (
    Erratum(
        Source("foundations", 46, "Stochastic Gradient Descent (SGD)"),
        READING,
        "Stochastic gradient descent is w - eta grad L(w).",
        "Not with the L of all rows: that step has nothing stochastic.",
        "L is the loss of a random row or batch; its expected gradient is that of all rows.",
        (
            Comparison(
                "whether the steps at one point are all the same",
                _steps_alike,
                printed=lambda rows: np.full(3, -rows.mean()),
                right=lambda rows: -rows,
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("foundations", 48, "Adam Optimizer"),
        READING,
        "Adam divides m(t) by sqrt(v(t)) + eps.",
        "Without the bias correction, which the line leaves out, the first step is 3.2 times the "
        "rate, and the next are longer.",
        "m / (1 - beta1^t) and v / (1 - beta2^t) come in place of m and v.",
        (
            Comparison(
                "first step over the rate, away from 1",
                _first_step,
                printed=False,
                right=True,
                wrong_by=2,
                within=1e-5,
            ),
        ),
    ),
    Erratum(
        Source("foundations", 74, "softmax(fk(x))"),
        READING,
        "P(y = k | x) = softmax(f_k(x)).",
        "The softmax of one number is 1, so these would sum to K.",
        "softmax(f(x))_k, as the right side of the line has it.",
        (
            Comparison(
                "sum over 3 classes, away from 1",
                _sum_of_chances,
                printed=lambda f, k: softmax(f[np.newaxis, [k]])[0, 0],
                right=lambda f, k: softmax(f[np.newaxis])[0, k],
                wrong_by=2,
                within=1e-12,
            ),
        ),
    ),
    Erratum(
        Source("foundations", 82, "argmax"),
        READING,
        "argmax P(D | theta) = argmax of the product of P(y_i | x_i, theta).",
        "Not where the law of x depends on theta: for x of N(theta, 1) and y of N(theta x, 1) the "
        "maximisers differ. Nor for dependent examples.",
        "For independent examples whose inputs have a law without theta; otherwise the product of "
        "P(x_i, y_i | theta).",
        (
            Comparison(
                "distance to the maximiser of P(D | theta)",
                _maximiser_missed,
                printed=lambda t, x, y: -((y - t * x) ** 2).sum(axis=1),
                right=lambda t, x, y: -((x - t) ** 2).sum(axis=1) - ((y - t * x) ** 2).sum(axis=1),
                wrong_by=0.01,
            ),
        ),
    ),
    Erratum(
        Source("foundations", 133, "Neural networks can approximate any continuous function"),
        READING,
        "Neural networks approximate any continuous function on compact sets.",
        "Not those of every activation: with x^2 and one hidden layer all of them are quadratic "
        "polynomials.",
        "If and only if the activation is not a polynomial (Leshno et al., for one hidden layer).",
        (
            Comparison(
                "largest error of the best fit of 128 units to sin(6 x)",
                _error_of_fit,
                printed=np.square,
                right=np.tanh,
                wrong_by=0.5,
                within=0.01,
            ),
        ),
    ),
    Erratum(
        Source("foundations", 140, "Homeomorphisms: Continuous bijective mappings preserved by"),
        MATHEMATICS,
        "Homeomorphisms are continuous bijections, and networks preserve them.",
        "[0, 2 pi) -> circle is a continuous bijection whose inverse is not continuous; ReLU is "
        "not one to one.",
        "The inverse has to be continuous too; a network is a homeomorphism onto its image if each "
        "layer is injective, with a strictly monotone activation.",
        (
            Comparison(
                "maps of 3 that it takes for homeomorphisms, and are none, or the other way round",
                lambda claim: violations(lambda *one: claim(*one) == (one[0] and one[2]), _maps()),
                printed=lambda bijective, network, inverse: bijective or network,
                right=lambda bijective, network, inverse: bijective and inverse,
                wrong_by=2,
            ),
        ),
    ),
    Erratum(
        Source("foundations", 148, "Uses the Hessian matrix for quadratic convergence"),
        MATHEMATICS,
        "Newton's method converges quadratically.",
        "For log cosh it diverges from 1.2; on x^4 each step divides by 3/2. A line search is no "
        "cure by itself: on e^x, strictly convex, the points run away.",
        "Near a minimum with a positive definite and Lipschitz Hessian; with a line search from "
        "every start on whose sublevel set f is strongly convex, with a Lipschitz Hessian.",
        (
            Comparison(
                "runs of 6 for which it is false",
                lambda claim: violations(claim, _newton_runs()),
                printed=lambda search, near, strongly, quadratic: quadratic,
                right=lambda search, near, strongly, quadratic: (
                    quadratic or not (near or (search and strongly))
                ),
                wrong_by=4,
            ),
            Comparison(
                "runs of 6 for which a line search is said to be enough, and is not",
                lambda claim: violations(claim, _newton_runs()),
                printed=lambda search, near, strongly, quadratic: quadratic or not search,
                right=lambda search, near, strongly, quadratic: (
                    quadratic or not (search and strongly)
                ),
                wrong_by=2,
            ),
        ),
        "Boyd and Vandenberghe, Convex optimization, 2004, section 9.5.3",
    ),
    Erratum(
        Source("foundations", 165, "Learning without distributional assumptions"),
        READING,
        "Agnostic learning is learning without assumptions on the distribution.",
        "Of the inputs PAC learning assumes nothing either. What agnostic learning gives up is "
        "that a hypothesis of the class is right: where a fifth of the labels are turned, none is.",
        "It makes no assumption on the joint law of inputs and labels, and asks for an error near "
        "the least in the class (Kearns, Schapire and Sellie, 1994).",
        (
            Comparison(
                "laws of 2, with thresholds as the class, for which the aim is out of reach",
                _class_errors,
                printed=lambda least, aim: least <= 0.05,
                right=lambda least, aim: least <= aim,
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("foundations", 169, "Bounds for finite hypothesis classes"),
        READING,
        "Hoeffding's inequality is a bound for finite hypothesis classes.",
        "It is one for a single hypothesis, fixed beforehand: of 50 fair ones, on 100 examples "
        "each, some gap is above 0.1 with a chance of 0.83, and 2 exp(-2 N e^2) is 0.27.",
        "With the union bound: 2 |H| exp(-2 N e^2).",
        (
            Comparison(
                "chance of a gap above 0.1 beyond the bound",
                _chance_above_the_bound,
                printed=lambda size, n, gap: 2 * np.exp(-2 * n * gap**2),
                right=lambda size, n, gap: 2 * size * np.exp(-2 * n * gap**2),
                wrong_by=0.5,
            ),
        ),
    ),
    Erratum(
        Source("foundations", 177, "Statistical analysis of internal covariate shift"),
        READING,
        "Normalisation is explained by internal covariate shift.",
        "It was proposed so; that it is the reason was refuted: the inputs of a model of one layer "
        "never shift, and normalising them saves steps all the same.",
        "A better conditioned loss is what is known to help.",
        (NOT_BY_SHIFT,),
        "Santurkar, Tsipras, Ilyas and Madry, arXiv:1805.11604",
    ),
)
