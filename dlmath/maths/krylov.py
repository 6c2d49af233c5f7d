"""Methods of Krylov spaces: eigenvalues and minima from products of a matrix with vectors."""

from collections.abc import Callable

import numpy as np
from scipy.linalg import eigh_tridiagonal


def lanczos(times: Callable[[np.ndarray], np.ndarray], start: np.ndarray, steps: int) -> np.ndarray:
    """Return the Ritz values, ascending; their ends approach the ends of the spectrum.

    Every new vector is made orthogonal to all before it: in floating point the three-term
    bare recurrence loses that, and finds eigenvalues twice (Golub and Van Loan, "Matrix
    computations", 2013, 10.3).

    Args:
        times: The product v -> A v with a symmetric A.
        start: (d,), not 0.
        steps: The most products, at most d of them are used.
    """
    basis = [start / np.linalg.norm(start)]
    diagonal: list[float] = []
    off_diagonal: list[float] = []
    for _ in range(min(steps, len(start))):
        image = times(basis[-1])
        diagonal.append(float(image @ basis[-1]))
        kept = np.array(basis)
        image = image - kept.T @ (kept @ image)
        image = image - kept.T @ (kept @ image)  # twice is enough (Kahan)
        length = float(np.linalg.norm(image))
        if length < 1e-10 * abs(diagonal[0]):
            break
        off_diagonal.append(length)
        basis.append(image / length)
    return eigh_tridiagonal(diagonal, off_diagonal[: len(diagonal) - 1], eigvals_only=True)


def conjugate_gradients(matrix: np.ndarray, start: np.ndarray, steps: int) -> np.ndarray:
    """Return the points (steps + 1, d) of the conjugate gradient method for x^T A x / 2."""
    points = [start]
    residual = -matrix @ start
    direction = residual
    for _ in range(steps):
        image = matrix @ direction
        length = (residual @ residual) / (direction @ image)
        points.append(points[-1] + length * direction)
        new = residual - length * image
        direction = new + (new @ new) / (residual @ residual) * direction
        residual = new
    return np.array(points)
