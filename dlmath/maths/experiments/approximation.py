"""Universal approximation: constructions with their error bounds, and where it fails."""

from collections.abc import Callable

import numpy as np
from scipy.stats import binom

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.network import forward
from dlmath.maths.papers import Source
from dlmath.maths.piecewise import from_breakpoints
from dlmath.maths.plots import curves

Function = Callable[[np.ndarray], np.ndarray]

GRID = np.linspace(0, 1, 4001)
WIDTHS = (4, 8, 16, 32, 64, 128)


def wave(x: np.ndarray) -> np.ndarray:
    """Return sin(2 pi x) + x / 2, of second derivative at most 4 pi^2 in absolute value."""
    return np.sin(2 * np.pi * x) + x / 2


def modulus(values: np.ndarray, width: float) -> float:
    """Return the modulus of continuity of a function on GRID: its most change within `width`."""
    reach = int(np.ceil(width * (len(GRID) - 1)))
    windows = np.lib.stride_tricks.sliding_window_view(values, reach + 1)
    return float(np.ptp(windows, axis=1).max())


@experiment(
    title="ReLU networks approximate at the rate width^-2",
    statement=(
        "If f has a second derivative of at most M, the ReLU network with n units that "
        "interpolates it at n + 1 equidistant points of [0, 1] is within M / (8 n^2) of it. "
        "Without a bounded second derivative the rate is lost."
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
    errors = []
    for width in WIDTHS:
        places = np.linspace(0, 1, width + 1)
        network = from_breakpoints(places, f(places))
        errors.append(np.abs(forward(network, GRID[:, np.newaxis])[:, 0] - f(GRID)).max())
    bounds = 4 * np.pi**2 / (8 * np.array(WIDTHS) ** 2)
    rate = np.polyfit(np.log(WIDTHS), np.log(errors), 1)[0]
    return Outcome(
        (
            at_most("largest error over M / (8 n^2)", (errors / bounds).max(), 1 + 1e-9),
            at_most("power of the width in the error", rate, -1.8),
        ),
        curves(
            "Error by width",
            "log10 of width",
            "error",
            {"network": (np.log10(WIDTHS), errors), "bound": (np.log10(WIDTHS), bounds)},
            log=True,
        ),
    )


@experiment(
    title="A staircase of sigmoids",
    statement=(
        "For s with s(-inf) = 0 and s(inf) = 1, the sum of n steep steps s(k (x - x_i)) "
        "weighted by the increments of f is within the modulus of continuity of f at 2/n, for k "
        "large: Cybenko's theorem in one dimension, by construction."
    ),
    sources=(
        Source("tsemo", 398, "be a continuous function satisfying"),
        Source("foundations", 133, "Neural networks can approximate any continuous function"),
        Source("murari", 176, "called **sigmoidal**"),
    ),
    about=("compute.rises", "compute.middles", "compute.stairs"),
    reference="Cybenko, Approximation by superpositions of a sigmoidal function, 1989",
    sabotage=Sabotage("the activation has no limits 0 and 1", {"activation": "sine"}),
)
def sigmoid_staircase(*, activation: str = "sigmoid", steepness: float = 8.0) -> Outcome:
    """`steepness` is that of the steps in units of the width, k = steepness * n."""
    step = choose("activation", activation, ACTIVATIONS).value
    errors, bounds = [], []
    for width in WIDTHS:
        places = np.linspace(0, 1, width + 1)
        rises = np.diff(wave(places))
        middles = (places[1:] + places[:-1]) / 2
        stairs = (
            wave(places[:1]) + step(steepness * width * (GRID[:, np.newaxis] - middles)) @ rises
        )
        errors.append(np.abs(stairs - wave(GRID)).max())
        bounds.append(modulus(wave(GRID), 2 / width))
    return Outcome(
        (
            at_most("largest error over the modulus at 2/n", (np.array(errors) / bounds).max(), 1),
            at_most("error at the largest width", errors[-1], 0.05),
        ),
        curves(
            "Error by width",
            "log10 of width",
            "error",
            {"staircase": (np.log10(WIDTHS), errors), "modulus at 2/n": (np.log10(WIDTHS), bounds)},
            log=True,
        ),
    )


@experiment(
    title="Any activation but a polynomial",
    statement=(
        "For continuous s, linear combinations of s(a x + b) come arbitrarily near to any "
        "continuous function if and only if s is not a polynomial: the error of the best fit on "
        "random units falls below any level with the width. With s(x) = x^2 all of them are "
        "polynomials of degree 2, and the fit is the best of those, however many there are."
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
    """`activation` is tanh, sigmoid, relu, sine or square."""
    choose("activation", activation, ACTIVATIONS)
    rng = seeds.generator("units", seed)
    slopes = 12 * rng.normal(size=WIDTHS[-1])
    centres = rng.uniform(-0.2, 1.2, WIDTHS[-1])
    few = GRID[::10]

    def fitted(name: str, width: int) -> np.ndarray:
        units = ACTIVATIONS[name].value(slopes[:width] * (few[:, np.newaxis] - centres[:width]))
        features = np.column_stack([units, np.ones(len(few))])
        return features @ np.linalg.lstsq(features, wave(few), rcond=1e-12)[0]

    errors = [np.abs(fitted(activation, width) - wave(few)).max() for width in WIDTHS]
    parabola = np.polynomial.Polynomial.fit(few, wave(few), 2)(few)
    floor = np.abs(parabola - wave(few)).max()
    return Outcome(
        (
            at_most("error at the largest width", errors[-1], 0.01),
            at_most(
                "128 units x^2: distance of their fit from that of degree 2",
                np.abs(fitted("square", WIDTHS[-1]) - parabola).max(),
                1e-9,
            ),
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
        "The Bernstein polynomial of degree n of a continuous f is within 5/4 of its modulus of "
        "continuity at n^-1/2, and Fejer's trigonometric sum converges uniformly for periodic "
        "f: Weierstrass's theorems. Neither holds across a jump."
    ),
    sources=(
        Source("murari", 362, "The Weierstrass approximation theorem"),
        Source("tsemo", 29, "Fourier series can achieve similar goals"),
    ),
    about=("_fejer", "compute.weights", "compute.bernstein"),
    reference="Lorentz, Bernstein polynomials, 1986, theorem 1.6.1; Fejer, 1904",
    sabotage=Sabotage("f jumps", {"jump": 2.0}),
)
def bernstein_and_fourier(*, jump: float = 0.0) -> Outcome:
    """`jump` is added to |x - 1/2| on the right half; both are periodic without it."""
    grid = GRID[::4]

    def f(x: np.ndarray) -> np.ndarray:
        return np.abs(x - 0.5) + jump * (x > 0.5)

    bernstein, fejer, bounds = [], [], []
    for degree in WIDTHS:
        places = np.arange(degree + 1)
        weights = binom.pmf(places, degree, grid[:, np.newaxis])
        bernstein.append(np.abs(weights @ f(places / degree) - f(grid)).max())
        fejer.append(np.abs(_fejer(f, degree, grid) - f(grid)).max())
        # The modulus of |x - 1/2| itself: within w it changes by at most w.
        bounds.append(1.25 * degree**-0.5)
    return Outcome(
        (
            at_most(
                "largest error of Bernstein over 5/4 of the modulus",
                (np.array(bernstein) / bounds).max(),
                1,
            ),
            at_most("error of Fejer's sum at the highest degree", fejer[-1], 0.02),
        ),
        curves(
            "Error by degree",
            "log10 of degree",
            "error",
            {
                "Bernstein": (np.log10(WIDTHS), bernstein),
                "Fejer": (np.log10(WIDTHS), fejer),
                "5/4 modulus": (np.log10(WIDTHS), bounds),
            },
            log=True,
        ),
    )


def _fejer(f: Function, degree: int, grid: np.ndarray) -> np.ndarray:
    """Return the mean of the first partial sums of the Fourier series of period 1."""
    places = np.arange(4096) / 4096
    coefficients = np.fft.rfft(f(places))[: degree + 1] / 4096
    weights = (1 - np.arange(degree + 1) / (degree + 1)) * np.where(np.arange(degree + 1), 2, 1)
    waves = np.exp(2j * np.pi * grid[:, np.newaxis] * np.arange(degree + 1))
    return np.real(waves @ (weights * coefficients))


@experiment(
    title="Every finite labelled set is fitted exactly",
    statement=(
        "For N different points with labels of any number of classes there is a network with "
        "one hidden layer whose largest output is the label at every point: project to a line "
        "on which the points differ, and interpolate. No function has two labels at one point."
    ),
    sources=(
        Source("tsemo", 437, "There exists a neural network whose output"),
        Source("tsemo", 30, "always possible to find a separating manifold"),
    ),
    about=("from_breakpoints", "compute.line", "compute.outputs"),
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
    outputs = np.column_stack(
        [
            forward(from_breakpoints(places, targets[unique, k]), line[:, np.newaxis])[:, 0]
            for k in range(classes)
        ]
    )
    right = outputs.argmax(axis=1) == labels
    shown = np.linspace(places[0], places[-1], 800)
    first = forward(from_breakpoints(places, targets[unique, 0]), shown[:, np.newaxis])[:, 0]
    return Outcome(
        (
            at_least("share of points with the right label", right.mean(), 1),
            at_most(
                "largest difference to the one-hot label",
                np.abs(outputs[order][unique] - targets[unique]).max(),
                1e-6,
            ),
        ),
        curves(
            "Output of the first class along the line",
            "place",
            "output",
            {"network": (shown, first)},
        ),
    )
