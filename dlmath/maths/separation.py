"""Linear separability of two sets, by linear programming: a hyperplane between them, or none."""

import numpy as np
from scipy.optimize import linprog


def separating_plane(features: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
    """Return w (d,) with y w . x >= 1 for every row x of label y = +1 or -1, or None.

    The least sum of |w_j| is taken, so that the answer does not depend on the solver's mood.
    """
    signed = features * labels[:, np.newaxis]
    width = features.shape[1]
    answer = linprog(
        np.ones(2 * width),  # w = p - q with p, q >= 0, and |w| = p + q at the least cost
        A_ub=-np.hstack([signed, -signed]),
        b_ub=-np.ones(len(labels)),
        bounds=(0, None),
        method="highs",
    )
    return answer.x[:width] - answer.x[width:] if answer.success else None


def weakly_separating_plane(features: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
    """Return w (d,) with y w . x >= 0 for every row x of label y, above 0 for some, or None.

    Points of both classes may lie on the plane. Of the directions with entries in [-1, 1] the one
    of the largest sum of y w . x is taken.
    """
    signed = features * labels[:, np.newaxis]
    answer = linprog(
        -signed.sum(axis=0),
        A_ub=-signed,
        b_ub=np.zeros(len(labels)),
        bounds=(-1, 1),
        method="highs",
    )
    return answer.x if -answer.fun > 1e-9 * np.abs(features).max() else None
