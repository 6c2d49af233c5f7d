"""Monomials of several variables up to a degree."""

from itertools import combinations_with_replacement

import numpy as np


def powers(dimension: int, degree: int) -> list[tuple[int, ...]]:
    """Return the exponents of every monomial of total degree at most `degree`, 1 first."""
    return [
        tuple(np.bincount(chosen, minlength=dimension).tolist()) if chosen else (0,) * dimension
        for total in range(degree + 1)
        for chosen in combinations_with_replacement(range(dimension), total)
    ]


def monomials(points: np.ndarray, degree: int) -> np.ndarray:
    """Return the monomials of points (N, d) up to a degree, (N, binomial(d + degree, degree))."""
    exponents = np.array(powers(points.shape[1], degree))
    return np.prod(points[:, np.newaxis, :] ** exponents, axis=2)


def written(coefficients: np.ndarray, dimension: int, degree: int, *, least: float = 1e-9) -> str:
    """Return a polynomial for people, such as `1.5 - 0.2 x1 x2^2`, small coefficients left out."""
    terms = []
    for value, exponents in zip(coefficients, powers(dimension, degree), strict=True):
        if abs(value) > least:
            factors = [
                f"x{place}" + (f"^{power}" if power > 1 else "")
                for place, power in enumerate(exponents, 1)
                if power
            ]
            terms.append(" ".join([f"{'-' if value < 0 else '+'} {abs(value):.3g}", *factors]))
    return " ".join(terms).removeprefix("+ ") or "0"
