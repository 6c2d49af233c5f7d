"""Small labelled sets, drawn for the experiments."""

import numpy as np

from dlmath import seeds


def separable(
    points: int, dimension: int, margin: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points (N, d) of the unit ball, labels +1 or -1 and a unit vector u.

    Every label times u . x is at least `margin`, below 1: the hyperplane orthogonal to u separates.
    """
    rng = seeds.generator("separable", seed)
    normal = rng.normal(size=dimension)
    normal /= np.linalg.norm(normal)
    found: list[np.ndarray] = []
    while len(found) < points:
        drawn = rng.normal(size=dimension)
        drawn *= rng.random() ** (1 / dimension) / np.linalg.norm(drawn)
        if abs(normal @ drawn) >= margin:
            found.append(drawn)
    rows = np.array(found)
    return rows, np.sign(rows @ normal), normal


def ball_and_annulus(
    points: int,
    seed: int,
    radii: tuple[float, float, float] = (1.0, 1.0, 2.0),
    key: int | str = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return points (2 N, 2), uniform in a disc and in a ring around it, labelled 0 and 1.

    Args:
        points: N of each.
        seed: Of the draws.
        radii: Of the disc, of the ring's inside, and of its outside (Tsemo, 3).
        key: Tells draws of one seed apart.
    """
    rng = seeds.generator("ball and annulus", seed, key)
    disc, inside, outside = radii
    # The area within a radius grows with its square, so uniform points have uniform squares.
    squares = np.concatenate(
        [disc**2 * rng.random(points), rng.uniform(inside**2, outside**2, points)]
    )
    angle = rng.uniform(0, 2 * np.pi, 2 * points)
    radius = np.sqrt(squares)
    rows = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return rows, np.repeat([0, 1], points)
