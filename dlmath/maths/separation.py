"""Is there a hyperplane between two sets? Linear programming says yes with one, or no."""

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
