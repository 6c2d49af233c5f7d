"""A reproducing kernel Hilbert space in rational numbers, and layers as operators on functions."""

from fractions import Fraction
from math import comb

import numpy as np
from scipy.special import iv

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of, smallest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

Polynomial = list[Fraction]  # coefficients of 1, x, x^2, ...


def kernel(x: Fraction, y: Fraction, degree: int) -> Fraction:
    """Return (1 + x y)^degree."""
    return (1 + x * y) ** degree


def section(x: Fraction, degree: int) -> Polynomial:
    """Return the coefficients of y -> k(x, y)."""
    return [comb(degree, i) * x**i for i in range(degree + 1)]


def value(f: Polynomial, x: Fraction) -> Fraction:
    """Return f(x)."""
    return sum((a * x**i for i, a in enumerate(f)), Fraction(0))


def inner(f: Polynomial, g: Polynomial, weighted: bool) -> Fraction:
    """Return sum a_i b_i / C(n, i), the inner product of the kernel (1 + x y)^n.

    Without `weighted` it is sum a_i b_i, of another kernel.
    """
    degree = len(f) - 1
    weights = [Fraction(1, comb(degree, i)) if weighted else Fraction(1) for i in range(len(f))]
    return sum((w * a * b for w, a, b in zip(weights, f, g, strict=True)), Fraction(0))


def combined(factors: list[Fraction], parts: list[Polynomial]) -> Polynomial:
    """Return the sum of multiples of polynomials of one degree."""
    return [
        sum((c * a for c, a in zip(factors, column, strict=True)), Fraction(0))
        for column in zip(*parts, strict=True)
    ]


def solved(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """Return the solution of a linear system, by elimination without rounding."""
    rows = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    for k in range(len(rows)):
        pivot = next(i for i in range(k, len(rows)) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [entry / rows[k][k] for entry in rows[k]]
        for i in range(len(rows)):
            if i != k:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k], strict=True)]
    return [row[-1] for row in rows]


@experiment(
    title="A kernel and its Hilbert space, without rounding",
    statement=(
        "In the polynomials of degree n with <f, g> = sum a_i b_i / C(n, i) the kernel (1 + x y)^n "
        "reproduces: <f, k(x, .)> = f(x). So |f(x) - f(y)| <= |f| |k(x, .) - k(y, .)|, with "
        "equality for f = k(x, .) - k(y, .). The f of least sum of (f(x_i) - y_i)^2 plus l |f|^2 "
        "among all of them is a combination of k(x_1, .), ..., k(x_N, .), with coefficients c = (K "
        "+ l)^-1 y, so that y_i - f(x_i) = l c_i; a part orthogonal to them changes no f(x_i) and "
        "costs l times its square. All of it in rational numbers: equal means equal. In another "
        "inner product the kernel does not reproduce."
    ),
    sources=(Source("foundations", 133, "Reproducing Kernel Hilbert Spaces (RKHS)"),),
    about=("kernel", "section", "value", "inner", "combined", "solved"),
    reference="Aronszajn, Theory of reproducing kernels, 1950; Schoelkopf, Herbrich and Smola, A "
    "generalized representer theorem, 2001",
    sabotage=Sabotage("the inner product is that of another kernel", {"weighted": False}),
)
def kernels_reproduce(
    *, weighted: bool = True, degree: int = 5, points: int = 4, seed: int = 0
) -> Outcome:
    """`weighted` divides by the binomial coefficients; the `points` are fewer than degree + 1."""
    rng = seeds.generator("kernel", seed)
    places = [Fraction(int(x), 4) for x in rng.choice(np.arange(-8, 9), points + 1, replace=False)]
    *x, new = places
    y = [Fraction(int(n)) for n in rng.integers(-9, 10, points)]
    f, g = ([Fraction(int(n)) for n in rng.integers(-5, 6, degree + 1)] for _ in range(2))
    sections = [section(place, degree) for place in x]
    reproduced = [abs(inner(f, section(p, degree), weighted) - value(f, p)) for p in places]
    price = Fraction(1, 3)
    gram = [[kernel(p, q, degree) for q in x] for p in x]
    shifted = [[a + price * (i == j) for j, a in enumerate(row)] for i, row in enumerate(gram)]
    coefficients = solved(shifted, y)
    best = combined(coefficients, sections)
    left = [q - value(best, p) - price * c for p, q, c in zip(x, y, coefficients, strict=True)]
    # The part of g that is orthogonal to all sections.
    shares = solved(
        [[inner(p, q, weighted) for q in sections] for p in sections],
        [inner(p, g, weighted) for p in sections],
    )
    other = combined([Fraction(1), *(-share for share in shares)], [g, *sections])

    def loss(h: Polynomial) -> Fraction:
        errors = sum(((value(h, p) - q) ** 2 for p, q in zip(x, y, strict=True)), Fraction(0))
        return errors + price * inner(h, h, weighted)

    steps = [Fraction(n, 4) for n in range(-8, 9)]
    losses = [loss(combined([Fraction(1), step], [best, other])) for step in steps]
    extra = price * inner(other, other, weighted)
    parabola = [losses[8] + step**2 * extra for step in steps]
    inside = smallest_of(
        loss(combined([Fraction(1), Fraction(1, 9)], [best, one])) for one in sections
    )
    apart = combined([Fraction(1), Fraction(-1)], [sections[0], section(new, degree)])
    rise = abs(value(f, x[0]) - value(f, new))
    reach = inner(apart, apart, weighted)
    attained = abs(value(apart, x[0]) - value(apart, new))
    return Outcome(
        (
            at_most("largest |<f, k(x, .)> - f(x)|", float(largest_of(reproduced)), 0),
            at_most(
                "largest value at a point of the orthogonal part",
                float(largest_of(abs(value(other, p)) for p in x)),
                0,
            ),
            at_most(
                "largest difference of the loss to that of the combination plus l t^2 |g|^2",
                float(largest_of(abs(a - b) for a, b in zip(losses, parabola, strict=True))),
                0,
            ),
            at_most("largest |y_i - f(x_i) - l c_i|", float(largest_of(map(abs, left))), 0),
            at_least("loss of another combination less the least", float(inside - losses[8]), 1e-9),
            at_most(
                "(f(x) - f(y))^2 over |f|^2 |k(x, .) - k(y, .)|^2",
                float(rise**2 / (inner(f, f, weighted) * reach)),
                1,
            ),
            at_most(
                "f = k(x, .) - k(y, .): |f(x) - f(y)| less |f|^2", float(abs(attained - reach)), 0
            ),
        ),
        curves(
            "Loss as a part orthogonal to the sections is added",
            "t",
            "loss",
            {
                "loss": ([float(t) for t in steps], [float(one) for one in losses]),
                "plus l t^2 |g|^2": ([float(t) for t in steps], [float(one) for one in parabola]),
            },
        ),
    )


def operator_layer(values: np.ndarray, activation: str, scaled: bool) -> np.ndarray:
    """Return tanh of the integral of k(s - t) f(t) over the circle, from n values (n,) of f.

    The kernel is exp(cos), and the integral the mean over the grid; without `scaled`, the sum.
    """
    grid = 2 * np.pi * np.arange(len(values)) / len(values)
    weights = np.exp(np.cos(grid[:, np.newaxis] - grid))
    image = weights @ values / (len(values) if scaled else 64)
    return ACTIVATIONS[activation].value(image)


@experiment(
    title="A layer as an operator between spaces of functions",
    statement=(
        "u(s) = tanh of the mean over t of exp(cos(s - t)) f(t) maps functions on the circle to "
        "functions. Computed from n values of f it is the layer tanh(W f) with W_ij = exp(cos(s_i "
        "- s_j)) / n, and does not depend on the grid: for f = 1 / (5/4 - cos t), whose Fourier "
        "coefficients are 4/3 2^-k, it is off by between one and two times (8/3) e^(5/4) 2^-n. It "
        "is Lipschitz in the mean square norm with the constant I_0(1), the largest eigenvalue, "
        "which a constant function attains before tanh bends it. Weights that are not divided by "
        "n belong to one grid and are no operator."
    ),
    sources=(Source("foundations", 133, "Understanding networks as operators between function"),),
    about=("operator_layer",),
    reference="Kovachki et al., Neural operator, arXiv:2108.08481; Trefethen and Weideman, The "
    "exponentially convergent trapezoidal rule, 2014, theorem 2.1",
    sabotage=Sabotage("the weights do not follow the grid", {"scaled": False}),
)
def a_layer_is_an_operator(*, scaled: bool = True, draws: int = 40, seed: int = 0) -> Outcome:
    """`scaled` divides the weights by the number of values."""
    rng = seeds.generator("operator", seed)
    sizes = np.array([8, 16, 24, 32, 48])

    def image(size: int, turn: float = 0.0, activation: str = "linear") -> np.ndarray:
        values = 1 / (1.25 - np.cos(2 * np.pi * np.arange(size) / size - turn))
        return operator_layer(values, activation, scaled)

    fine = image(384)
    gaps = np.array([np.abs(image(size) - fine[:: 384 // size]).max() for size in sizes])
    # The mean over n values of g(t) = k(s - t) f(t) adds its Fourier coefficients at n, 2 n, ...
    # and -n, -2 n, ... to that at 0. With k_j those of the kernel, the one at n is 4/3 times the
    # sum of k_j 2^-|n - j|, between one and two times 2^-n exp((2 + 1/2) / 2), as the generating
    # function of k_j is exp((z + 1/z) / 2).
    scale = (8 / 3) * np.exp(1.25) * 2.0**-sizes
    ratio = gaps / scale
    # The Fourier coefficients of exp(cos) are Bessel functions; of the image, products of both.
    orders, grid = np.arange(-60, 61), 2 * np.pi * np.arange(384) / 384
    products = iv(np.abs(orders), 1.0) * (4 / 3) * 2.0 ** -np.abs(orders)
    exact = np.tanh(np.cos(np.outer(grid - 1, orders)) @ products)
    norm = float(np.i0(1.0))
    slopes = []
    for _ in range(draws):
        one, other = rng.normal(size=(2, 64)) * rng.uniform(0, 2)
        apart = [operator_layer(f, "tanh", scaled) for f in (one, other)]
        slopes.append(np.linalg.norm(apart[0] - apart[1]) / np.linalg.norm(one - other))
    small = np.full(64, 1e-6)
    attained = np.linalg.norm(operator_layer(small, "tanh", scaled)) / np.linalg.norm(small)
    return Outcome(
        (
            at_most(
                "image of 1 / (5/4 - cos(t - 1)) away from its Fourier series",
                np.abs(image(384, 1.0, "tanh") - exact).max(),
                1e-12,
            ),
            at_least("least difference of two grids over (8/3) e^(5/4) 2^-n", ratio.min(), 0.99),
            at_most("largest difference of two grids over it", ratio.max(), 2.01),
            at_most("largest slope over I_0(1)", largest_of(slopes) / norm, 1),
            at_most("slope at a small constant over it, less 1", abs(attained / norm - 1), 1e-9),
        ),
        curves(
            "Difference to the grid of 384 points",
            "points of the grid",
            "difference",
            {"measured": (sizes, gaps), "bound": (sizes, 2 * scale)},
            log=True,
        ),
    )
