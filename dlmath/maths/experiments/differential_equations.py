"""Equations from data: filters that learn derivatives, and models of few coordinates."""

from fractions import Fraction
from math import comb, factorial

import numpy as np

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def moments(taps: np.ndarray, step: float | Fraction, count: int) -> np.ndarray:
    """Return m_j = sum over s of q_s (s h)^j / j! for j < count, of taps q at -r, ..., r."""
    reach = len(taps) // 2
    return np.array(
        [
            sum(tap * (place * step) ** j for place, tap in enumerate(taps, -reach)) / factorial(j)
            for j in range(count)
        ]
    )


def derivative_filter(order: int, reach: int) -> list[Fraction]:
    """Return the taps of step 1 whose moments are 1 at `order` and else 0, up to 2 reach.

    By Cramer's rule for Vandermonde matrices: q_s is the coefficient of x^order, times order!, of
    the polynomial that is 1 at s and 0 at the other places (Lagrange).
    """
    places = range(-reach, reach + 1)
    taps = []
    for place in places:
        polynomial = [Fraction(1)]  # coefficients, the constant first
        for other in places:
            if other != place:
                shifted = [Fraction(0), *polynomial]
                scaled = [*(-other * one for one in polynomial), Fraction(0)]
                polynomial = [
                    (a + b) / (place - other) for a, b in zip(shifted, scaled, strict=True)
                ]
        taps.append(polynomial[order] * factorial(order))
    return taps


def observed(
    coefficients: np.ndarray, t: float, places: int, rates: tuple[float, float, float]
) -> np.ndarray:
    """Return u at the time t on a circle of `places`, for u_t = a u_x + b u_xx - c u.

    Args:
        coefficients: (N, K) complex, of e^{ikx} for k = 0, ..., K - 1 at the time 0.
        t: Time.
        places: Number n of points 2 pi j / n.
        rates: a, b and c.
    """
    a, b, c = rates
    k = np.arange(coefficients.shape[1])
    growth = np.exp((1j * a * k - b * k**2 - c) * t)
    waves = np.exp(1j * np.outer(k, 2 * np.pi * np.arange(places) / places))
    return np.real((coefficients * growth) @ waves)


def learned_filter(before: np.ndarray, after: np.ndarray, dt: float, reach: int) -> np.ndarray:
    """Return the taps whose filter of `before` is nearest to (after - before) / dt."""
    shifts = range(-reach, reach + 1)
    columns = np.stack([np.roll(before, -shift, axis=1).ravel() for shift in shifts], axis=1)
    return np.linalg.lstsq(columns, ((after - before) / dt).ravel(), rcond=None)[0]


@experiment(
    title="Filters learn a differential equation from data, by their moments",
    statement=(
        "2r + 1 taps and their first 2r + 1 moments determine each other. The filter whose moments "
        "are those of the k-th derivative gives exactly that derivative of polynomials of degree "
        "up to 2r, in fractions. Filters of 5 taps that are fitted freely to pairs of "
        "observations, dt apart, of u_t = a u_x + b u_xx on a circle have moments that tend to 0, "
        "a and b, though no equation was given: with dt = h^2 the second is off by a^2 h^2/2, "
        "which the forward difference in time makes, and terms of order h^4, and the first two are "
        "off by order h^4."
    ),
    sources=(Source("murari", 459, "PDE-Net: Learning PDEs from Data"),),
    about=("moments", "derivative_filter", "observed", "learned_filter"),
    reference="Long, Lu, Ma and Dong, PDE-Net, 2018, section 2.2",
    sabotage=Sabotage("the equation also has the term -u/10", {"decay": 0.1}),
)
def filters_learn_an_equation(*, decay: float = 0.0, seed: int = 0) -> Outcome:
    """`decay` is c of a term -c u."""
    rng, (a, b) = seeds.generator("equation", seed), (0.7, 0.3)
    wrong = []
    for reach in (1, 2, 3):
        for order in range(2 * reach + 1):
            taps = derivative_filter(order, reach)
            wanted = [Fraction(int(j == order)) for j in range(2 * reach + 1)]
            wrong.append(int(list(moments(np.array(taps), Fraction(1), 2 * reach + 1)) != wanted))
            # x^p at x = 2: its derivative of that order is p (p - 1) ... 2^(p - order).
            for power in range(2 * reach + 1):
                found = sum(tap * (2 + s) ** power for s, tap in enumerate(taps, -reach))
                exact = comb(power, order) * factorial(order) * Fraction(2) ** (power - order)
                wrong.append(int(found != exact))
    start = rng.normal(size=(30, 4)) + 1j * rng.normal(size=(30, 4))
    counts, errors, biases = np.array([32, 64, 128]), [], []
    for count in counts:
        h = 2 * np.pi / count
        before, after = (observed(start, t, count, (a, b, decay)) for t in (0.0, h**2))
        found = moments(learned_filter(before, after, h**2, 2), h, 3)
        errors.append(np.abs(found - (0, a, b)))
        biases.append((found[2] - b) / (a**2 * h**2 / 2))
    late = observed(start, 0.5, 64, (a, b, decay))
    damped = observed(start, 0.5, 64, (a, b, decay + 0.2))
    k = np.arange(4)
    modes = np.fft.rfft(late, axis=1)[:, :4] / 32
    known = start * np.exp(1j * k * a * 0.5 - (b * k**2) * 0.5)
    sizes, bias = np.array(errors), np.array(biases)
    ratios = np.c_[sizes[1:, :2] / sizes[:-1, :2], np.abs(bias[1:] - 1) / np.abs(bias[:-1] - 1)]
    return Outcome(
        (
            at_most("derivatives of polynomials and moments that are not exact", wrong, 0),
            at_most("error of b over a^2 h^2/2, from 1", np.abs(bias[1:] - 1), 0.1),
            at_most("distance of that from 1, over the one at twice the step", ratios[:, 2], 0.3),
            at_most(
                "error of the moment 0 and of a, over that at twice the step", ratios[:, :2], 1 / 12
            ),
            at_most(
                "learned moment 0 and a, at the finest step, away from 0 and a", sizes[-1, :2], 1e-4
            ),
            at_most(
                "with the further term -u/5, away from e^(-t/5) times the observations",
                np.abs(damped - np.exp(-0.1) * late),
                1e-12,
            ),
            at_most(
                "modes of the observations, away from the solution of the equation",
                np.abs(modes[:, 1:] - known[:, 1:]).max(),
                1e-12,
            ),
        ),
        curves(
            "Error of the learned coefficients",
            "log10 of the points",
            "error",
            {"a": (np.log10(counts), sizes[:, 1]), "b": (np.log10(counts), sizes[:, 2])},
            log=True,
        ),
    )


def membrane(parameter: float, size: int, convection: float) -> np.ndarray:
    """Return the matrix of -u'' + convection u' + parameter u on (0, 1), u = 0 at both ends."""
    h = 1 / (size + 1)
    second = 2 * np.eye(size) - np.eye(size, k=1) - np.eye(size, k=-1)
    first = np.eye(size, k=1) - np.eye(size, k=-1)
    return second / h**2 + convection * first / (2 * h) + parameter * np.eye(size)


def leading(snapshots: np.ndarray, count: int) -> np.ndarray:
    """Return the first left singular vectors of snapshots (n, m), (n, count)."""
    return np.linalg.svd(snapshots, full_matrices=False)[0][:, :count]


def reduced(matrix: np.ndarray, load: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return the Galerkin solution of matrix u = load among the combinations of a basis."""
    return basis @ np.linalg.solve(basis.T @ matrix @ basis, basis.T @ load)


@experiment(
    title="A reduced model by the SVD: best where it is linear, and not where things move",
    statement=(
        "Of all subspaces of r dimensions, that of the first r left singular vectors of the "
        "snapshots loses least: the squared rest is the sum of the further squared singular "
        "values. For a symmetric positive matrix the reduced model made in it is as near, in the "
        "energy norm, as anything in the subspace, also at parameters that were not in the "
        "snapshots; with a term u' it is not. Of a shape that moves through n places, r < n "
        "dimensions keep exactly the share r/n, however chosen, while one number, its place, tells "
        "all: coordinates that are not linear are worth finding."
    ),
    sources=(
        Source("murari", 470, "Used for Reduced Order Modelling"),
        Source("murari", 470, "Data-driven discovery of coordinates"),
    ),
    about=("membrane", "leading", "reduced"),
    reference="Eckart and Young 1936; Céa's lemma; Quarteroni, Manzoni and Negri, Reduced basis "
    "methods, 2016",
    sabotage=Sabotage("the equation also has the term 40 u'", {"convection": 40.0}),
)
def reduced_model_by_svd(*, convection: float = 0.0, size: int = 60, seed: int = 0) -> Outcome:
    """`convection` is the factor of u'."""
    rng = seeds.generator("reduced", seed)
    x = np.arange(1, size + 1) / (size + 1)
    load = 1 + x + 0.5 * rng.normal() * np.sin(5 * x)
    known = np.geomspace(0.1, 3000, 12)
    snapshots = np.stack(
        [np.linalg.solve(membrane(one, size, convection), load) for one in known], axis=1
    )
    values = np.linalg.svd(snapshots, compute_uv=False)
    rests, over, errors, worse, skewed = [], [], [], [], []
    for count in range(1, 7):
        basis = leading(snapshots, count)
        rest = np.sum((snapshots - basis @ (basis.T @ snapshots)) ** 2)
        tail = np.sum(values[count:] ** 2)
        rests.append(abs(rest - tail) / np.sum(values**2))
        other = np.linalg.qr(rng.normal(size=(size, count)))[0]
        worse.append(np.sum((snapshots - other @ (other.T @ snapshots)) ** 2) / tail)
        for parameter in (5.0, 77.0, 1234.0):
            matrix = membrane(parameter, size, convection)
            over.append(_over_nearest(matrix, load, basis) - 1)
            energy = np.linalg.cholesky((matrix + matrix.T) / 2).T
            truth = np.linalg.solve(matrix, load)
            miss = np.linalg.norm(energy @ (truth - reduced(matrix, load, basis)))
            errors.append(miss / np.linalg.norm(energy @ truth))
        leaning = membrane(77.0, size, 40.0)
        skewed.append(_over_nearest(leaning, load, basis) - 1)
    places = np.eye(size)  # a shape of one point, at each place
    kept = [np.sum((leading(places, r).T @ places) ** 2) / size - r / size for r in (1, 7, 30)]
    # The matrix against the equation: sin(pi x), whose second difference is known exactly.
    wave = np.sin(np.pi * x)
    known_wave = (2 - 2 * np.cos(np.pi / (size + 1))) * (size + 1) ** 2 + 3.0
    turn = 7 * np.cos(np.pi * x) * np.sin(np.pi / (size + 1)) * (size + 1)
    return Outcome(
        (
            at_most(
                "squared rest of the snapshots, away from the further singular values", rests, 1e-13
            ),
            at_least("rest of another subspace over it", worse, 1),
            at_most("reduced model over the nearest in the subspace, less 1", over, 1e-4),
            at_least("the same from below", over, -1e-4),
            at_least("with the term 40 u': the same, largest", largest_of(skewed), 1e-3),
            at_most("error with 6 dimensions, new parameters", errors[-3:], 1e-2),
            at_most("moving point: share kept, away from r/n", np.abs(kept), 1e-12),
            at_most(
                "matrix times sin(pi x), away from its exact value",
                np.abs(membrane(3.0, size, 7.0) @ wave - known_wave * wave - turn).max(),
                1e-9,
            ),
        ),
        curves(
            "Error of the reduced model at a parameter of 77",
            "dimensions",
            "error in the energy norm",
            {"reduced model": (np.arange(1, 7), errors[1::3])},
            log=True,
        ),
    )


def _over_nearest(matrix: np.ndarray, load: np.ndarray, basis: np.ndarray) -> float:
    """Return the energy norm of the reduced model's error over the least in the subspace."""
    energy = np.linalg.cholesky((matrix + matrix.T) / 2).T
    truth = np.linalg.solve(matrix, load)
    nearest = np.linalg.lstsq(energy @ basis, energy @ truth, rcond=None)[0]
    least = np.linalg.norm(energy @ (truth - basis @ nearest))
    return float(np.linalg.norm(energy @ (truth - reduced(matrix, load, basis))) / least)
