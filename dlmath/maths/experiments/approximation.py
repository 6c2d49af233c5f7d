"""Universal approximation: constructions with their error bounds, and where it fails."""

from collections.abc import Callable

import numpy as np
from scipy.special import gammaln
from scipy.stats import binom

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import smallest_of
from dlmath.maths.network import forward
from dlmath.maths.papers import Source
from dlmath.maths.piecewise import from_breakpoints
from dlmath.maths.plots import curves

Function = Callable[[np.ndarray], np.ndarray]

GRID = np.linspace(0, 1, 4097)  # with the middles of the pieces of every width below
WIDTHS = (4, 8, 16, 32, 64, 128)
# From 4096 samples a Fourier coefficient 2 / (pi k)^2 is off by 2 / (4096 pi)^2, twice that for
# both ends; the sum of at most 129 of them is off by less than this.
SAMPLED = 3e-6
STEEPEST = 2 * np.pi + 0.5  # the largest slope of the wave, at 0


def wave(x: np.ndarray) -> np.ndarray:
    """Return sin(2 pi x) + x / 2, of second derivative at most 4 pi^2 in absolute value."""
    return np.sin(2 * np.pi * x) + x / 2


def raised(x: np.ndarray) -> np.ndarray:
    """Return 1 + wave(x), which is not 0 where it begins."""
    return 1 + wave(x)


def least_bend(width: int) -> float:
    """Return the largest, over `width` equal pieces of [0, 1], of the least |wave''| on a piece."""
    bends = 4 * np.pi**2 * np.abs(np.sin(2 * np.pi * np.linspace(0, 1, width + 1)))
    # On a piece within a quarter of the period the second derivative is monotone.
    return float(np.minimum(bends[1:], bends[:-1]).max())


@experiment(
    title="ReLU networks approximate at the rate width^-2",
    statement=(
        "If m <= |f''| <= M, the ReLU network with n units that interpolates f at n + 1 "
        "equidistant points of [0, 1] is off by at most M / (8 n^2), and on a piece where f'' "
        "keeps its sign by at least m / (8 n^2) somewhere: the rate is n^-2 and no better. "
        "Without a bounded second derivative it is lost: for sqrt(x) the error is 1 / (4 sqrt n)."
    ),
    sources=(
        Source("murari", 378, "a continuous function which is not a polynomial"),
        Source("murari", 396, "Any continuous piecewise affine"),
        Source("tsemo", 430, "Corollary 5.2"),
    ),
    about=("from_breakpoints",),
    reference="de Boor, A practical guide to splines, 2001, chapter III",
    sabotage=Sabotage("f is sqrt(x), whose slope at 0 is infinite", {"function": "root"}),
)
def relu_network_rate(*, function: str = "wave") -> Outcome:
    """`function` is wave or root; the bound is that of the wave, M = 4 pi^2."""
    functions: dict[str, Function] = {"wave": wave, "root": np.sqrt}
    f = choose("function", function, functions)
    widths = np.array(WIDTHS)
    errors, gaps, units = np.transpose([_interpolated(f, width) for width in WIDTHS])
    roots = np.array([_interpolated(np.sqrt, width)[0] for width in WIDTHS])
    bounds = 4 * np.pi**2 / (8 * widths**2)
    least = np.array([least_bend(width) for width in WIDTHS]) / (8 * widths**2)
    return Outcome(
        (
            at_most("largest error over M / (8 n^2)", (errors / bounds).max(), 1 + 1e-9),
            at_least("largest error less m / (8 n^2), at worst", (errors - least).min(), -1e-12),
            at_most("largest error at the points interpolated", gaps.max(), 1e-12),
            at_most("hidden units, away from n", np.abs(units - widths).max(), 0),
            at_most(
                "sqrt(x): error times 4 sqrt n, away from 1",
                np.abs(roots * 4 * np.sqrt(widths) - 1).max(),
                1e-9,
            ),
        ),
        curves(
            "Error by width",
            "log10 of width",
            "error",
            {
                "network": (np.log10(WIDTHS), errors),
                "M / (8 n^2)": (np.log10(WIDTHS), bounds),
                "m / (8 n^2)": (np.log10(WIDTHS[1:]), least[1:]),
            },
            log=True,
        ),
    )


def _interpolated(f: Function, width: int) -> tuple[float, float, int]:
    """Return the network's largest error, the one at the points, and its number of units."""
    places = np.linspace(0, 1, width + 1)
    network = from_breakpoints(places, f(places))
    drawn, through = (
        np.squeeze(forward(network, at[:, np.newaxis]), axis=1) for at in (GRID, places)
    )
    error, gap = np.abs(drawn - f(GRID)).max(), np.abs(through - f(places)).max()
    return float(error), float(gap), network[0].weights.shape[1]


@experiment(
    title="A staircase of sigmoids",
    statement=(
        "For the sigmoid s, add n steps s(k (x - x_i)) in the middles of n equal pieces, each "
        "weighted by the increment of f over its piece, to f(0). With f of slope at most L, k = "
        "q n and t = 2 e^(-q/2) / (1 - e^-q), the sum is off by at most L (1/2 + t) / n, and by "
        "at most L t / n at the ends of the pieces; it is off by almost half of the largest "
        "increment somewhere. Cybenko's theorem in one dimension, by construction."
    ),
    sources=(
        Source("tsemo", 398, "be a continuous function satisfying"),
        Source("foundations", 133, "Neural networks can approximate any continuous function"),
        Source("murari", 176, "called **sigmoidal**"),
    ),
    about=("staircase", "compute.rises", "compute.middles"),
    reference="Cybenko, Approximation by superpositions of a sigmoidal function, 1989",
    sabotage=Sabotage("the activation has no limits 0 and 1", {"activation": "sine"}),
)
def sigmoid_staircase(*, activation: str = "sigmoid", steepness: float = 60.0) -> Outcome:
    """`steepness` is q: that of the steps in units of the width."""
    step = choose("activation", activation, ACTIVATIONS).value
    widths = np.array(WIDTHS)
    tail = 2 * np.exp(-steepness / 2) / -np.expm1(-steepness)
    half = smallest_of(0.5, 5 / steepness)  # of a piece: where a step has risen to 1 - e^-5
    errors, at_ends, jumps = [], [], []
    for width in WIDTHS:
        ends = np.linspace(0, 1, width + 1)
        rises = np.diff(raised(ends))
        middles = (ends[1:] + ends[:-1]) / 2
        near = np.concatenate([GRID, middles - half / width, middles + half / width])
        off, through = (
            np.abs(staircase(at, middles, rises, step, steepness * width) - raised(at)).max()
            for at in (near, ends)
        )
        errors.append(off)
        at_ends.append(through)
        # Across a step the sum rises by more than f can, so one of the two sides is off by half.
        jumps.append(np.abs(rises).max() * (1 - 2 * np.exp(-half * steepness) - tail))
    slopes, missed = STEEPEST / widths, STEEPEST * 2 * half / widths
    least = (np.array(jumps) - missed) / 2
    return Outcome(
        (
            at_most(
                "largest error over L (1/2 + t) / n",
                (np.array(errors) / (slopes * (0.5 + tail))).max(),
                1,
            ),
            at_least(
                "largest error less almost half of the largest increment, at worst",
                (np.array(errors) - least).min(),
                0,
            ),
            at_most(
                "error at the ends of the pieces less L t / n, largest",
                (np.array(at_ends) - slopes * tail).max(),
                1e-12,
            ),
        ),
        curves(
            "Error by width",
            "log10 of width",
            "error",
            {
                "staircase": (np.log10(WIDTHS), errors),
                "L (1/2 + t) / n": (np.log10(WIDTHS), slopes * (0.5 + tail)),
                "almost half an increment": (np.log10(WIDTHS), np.maximum(least, 1e-3)),
            },
            log=True,
        ),
    )


def staircase(
    at: np.ndarray, middles: np.ndarray, rises: np.ndarray, step: Function, steepness: float
) -> np.ndarray:
    """Return f(0) + sum_i rises_i step(steepness (x - middle_i)) at places x, f the raised wave."""
    return raised(np.zeros(1)) + step(steepness * (at[:, np.newaxis] - middles)) @ rises


@experiment(
    title="Any activation but a polynomial",
    statement=(
        "For continuous s, linear combinations of s(a x + b) come arbitrarily near to any "
        "continuous function if and only if s is not a polynomial: the error of the best fit on "
        "random units falls below any level with the width. With s(x) = x^2 all of them are "
        "polynomials of degree 2, and the fit is the best of those, however many there are; for "
        "sin(2 pi x) + x / 2 every one of those is off by 2/3 or more."
    ),
    sources=(
        Source("murari", 378, "not a polynomial"),
        Source("murari", 168, "Not polynomials"),
        Source("murari", 382, "Approximation theory of the MLP model"),
        Source("murari", 386, "nonpolynomial activation function"),
    ),
    about=("compute.fitted",),
    reference="Leshno et al., Feedforward networks with a nonpolynomial activation, 1993",
    sabotage=Sabotage("the activation is a polynomial", {"activation": "square"}),
)
def nonpolynomial_activation(*, activation: str = "tanh", seed: int = 0) -> Outcome:
    """`activation` is tanh, sigmoid, relu, sine, square or linear."""
    choose("activation", activation, ACTIVATIONS)
    rng = seeds.generator("units", seed)
    slopes = 12 * rng.normal(size=WIDTHS[-1])
    centres = rng.uniform(-0.2, 1.2, WIDTHS[-1])
    few = GRID[::8]

    def fitted(name: str, width: int) -> np.ndarray:
        units = ACTIVATIONS[name].value(slopes[:width] * (few[:, np.newaxis] - centres[:width]))
        features = np.column_stack([units, np.ones(len(few))])
        return features @ np.linalg.lstsq(features, wave(few), rcond=1e-12)[0]

    gaps = [fitted(activation, width) - wave(few) for width in WIDTHS]
    errors = [np.abs(gap).max() for gap in gaps]
    squares = np.array([np.mean(gap**2) for gap in gaps])
    parabola = np.polynomial.Polynomial.fit(few, wave(few), 2)(few)
    floor = np.abs(parabola - wave(few)).max()
    return Outcome(
        (
            at_most("error at the largest width", errors[-1], 0.01),
            at_most(
                "largest rise of the mean square error with the width",
                np.diff(squares).max(),
                1e-9,
            ),
            at_most(
                "4 to 128 units x^2: distance of their fit from that of degree 2",
                (np.abs(fitted("square", width) - parabola).max() for width in WIDTHS),
                1e-9,
            ),
            # The third difference at 0, 1/4, 3/4, 1 is 64/3 for f, 0 for parabolas, and at most
            # 32 times the largest error.
            at_least("error of the best parabola", floor, 2 / 3),
        ),
        curves(
            "Error by width",
            "log10 of width",
            "error",
            {
                activation: (np.log10(WIDTHS), errors),
                "degree 2": (np.log10(WIDTHS), np.full(len(WIDTHS), floor)),
            },
            log=True,
        ),
    )


@experiment(
    title="Polynomials and Fourier series approximate as well, by their own constructions",
    statement=(
        "The Bernstein polynomial of degree n of a function that changes by at most |x - x'| is "
        "within 1 / (2 sqrt n) of it, and the mean of its first n Fourier sums within E|t| for "
        "t from Fejer's kernel, if it has period 1: Weierstrass's theorems. For |x - 1/2| the "
        "errors at the kink are known: binomial(n, n/2) / 2^(n+1) for even n, and E|t|. Neither "
        "holds across a jump: a continuous function is off by half of it."
    ),
    sources=(
        Source("murari", 362, "The Weierstrass approximation theorem"),
        Source("tsemo", 29, "Fourier series can achieve similar goals"),
    ),
    about=("_bernstein", "_fejer"),
    reference="Lorentz, Bernstein polynomials, 1986, theorem 1.6.1; Fejer, 1904",
    sabotage=Sabotage("f jumps", {"jump": 2.0}),
)
def bernstein_and_fourier(*, jump: float = 0.0) -> Outcome:
    """`jump` is added to |x - 1/2| on the right half; both are periodic without it."""
    grid = GRID[::4]  # with 1/2

    def f(x: np.ndarray) -> np.ndarray:
        return np.abs(x - 0.5) + jump * (x > 0.5)

    polynomials = np.array([_bernstein(f, degree, grid) for degree in WIDTHS])
    sums = np.array([_fejer(f, degree, grid) for degree in WIDTHS])
    bernstein, fejer = (np.abs(found - f(grid)).max(axis=1) for found in (polynomials, sums))
    degrees, middle = np.array(WIDTHS), len(grid) // 2
    kink = np.exp(gammaln(degrees + 1) - 2 * gammaln(degrees / 2 + 1) - (degrees + 1) * np.log(2))
    kernel = np.array([_fejer_distance(degree) for degree in WIDTHS])
    return Outcome(
        (
            at_most(
                "largest error of Bernstein times 2 sqrt n",
                (bernstein * 2 * np.sqrt(degrees)).max(),
                1,
            ),
            at_most(
                "Bernstein's error at the kink away from the binomial formula",
                np.abs(polynomials[:, middle] - f(grid[middle]) - kink).max(),
                1e-12,
            ),
            at_most("largest error of Fejer's sum less E|t|", (fejer - kernel).max(), SAMPLED),
            at_most(
                "Fejer's error at the kink away from E|t|",
                np.abs(sums[:, middle] - f(grid[middle]) - kernel).max(),
                SAMPLED,
            ),
        ),
        curves(
            "Error by degree",
            "log10 of degree",
            "error",
            {
                "Bernstein": (np.log10(WIDTHS), bernstein),
                "Fejer": (np.log10(WIDTHS), fejer),
                "1 / (2 sqrt n)": (np.log10(WIDTHS), 0.5 / np.sqrt(degrees)),
            },
            log=True,
        ),
    )


def _bernstein(f: Function, degree: int, grid: np.ndarray) -> np.ndarray:
    """Return sum_k f(k / n) binomial(n, k) x^k (1 - x)^(n - k) at the places of a grid."""
    places = np.arange(degree + 1)
    return binom.pmf(places, degree, grid[:, np.newaxis]) @ f(places / degree)


def _fejer(f: Function, degree: int, grid: np.ndarray) -> np.ndarray:
    """Return the mean of the first partial sums of the Fourier series of period 1."""
    places = np.arange(4096) / 4096
    coefficients = np.fft.rfft(f(places))[: degree + 1] / 4096
    weights = (1 - np.arange(degree + 1) / (degree + 1)) * np.where(np.arange(degree + 1), 2, 1)
    waves = np.exp(2j * np.pi * grid[:, np.newaxis] * np.arange(degree + 1))
    return np.real(waves @ (weights * coefficients))


def _fejer_distance(degree: int) -> float:
    """Return E|t| for t in [-1/2, 1/2] from Fejer's kernel.

    Of the cosines of |t| = 1/4 - sum over odd k of 2 cos(2 pi k t) / (pi k)^2, the kernel keeps
    the share 1 - k / (n + 1).
    """
    odd = np.arange(1, degree + 1, 2)
    return float(0.25 - np.sum((1 - odd / (degree + 1)) * 2 / (np.pi * odd) ** 2))


@experiment(
    title="Every finite labelled set is fitted exactly",
    statement=(
        "For N different points with labels of any number of classes there is a network with "
        "one hidden layer of N - 1 units whose largest output is the label at every point: "
        "project to a line on which the points differ, and interpolate. No function has two "
        "labels at one point: with r points that occur twice, at most N - r are right."
    ),
    sources=(
        Source("tsemo", 437, "There exists a neural network whose output"),
        Source("tsemo", 30, "always possible to find a separating manifold"),
    ),
    about=("from_breakpoints", "compute.networks", "compute.outputs"),
    reference="Zhang et al., Understanding deep learning requires rethinking, arXiv:1611.03530, C",
    sabotage=Sabotage("a point occurs twice, with two labels", {"repeated": 1}),
)
def finite_labels_are_fitted(
    *, repeated: int = 0, points: int = 60, classes: int = 5, dimension: int = 8, seed: int = 0
) -> Outcome:
    """`repeated` points occur a second time, with another label."""
    rng = seeds.generator("labels", seed)
    rows = rng.normal(size=(points, dimension))
    labels = rng.integers(0, classes, points)
    rows[:repeated] = rows[points - repeated :]
    labels[:repeated] = (labels[points - repeated :] + 1) % classes
    line = rows @ rng.normal(size=dimension)  # different points differ here, almost surely
    order = np.argsort(line)
    places, unique = np.unique(line[order], return_index=True)
    targets = np.eye(classes)[labels[order]]
    networks = [from_breakpoints(places, targets[unique, k]) for k in range(classes)]
    outputs = np.column_stack([forward(one, line[:, np.newaxis]).reshape(-1) for one in networks])
    right = outputs.argmax(axis=1) == labels
    shown = np.linspace(places[0], places[-1], 800)
    first = forward(networks[0], shown[:, np.newaxis])[:, 0]
    return Outcome(
        (
            at_least("share of points with the right label", right.mean(), 1),
            at_most(
                "largest difference to the one-hot label",
                np.abs(outputs[order][unique] - targets[unique]).max(),
                1e-6,
            ),
            at_most(
                "hidden units, which all outputs share, away from N - 1",
                abs(networks[0][0].weights.shape[1] - (points - 1)),
                0,
            ),
        ),
        curves(
            "Output of the first class along the line",
            "place",
            "output",
            {"network": (shown, first)},
        ),
    )
