"""Persistent homology of a few points in dimensions 0 and 1, by reducing the boundary matrix.

Two points are joined once their distance is at most r, three once all their distances are
(Vietoris and Rips). As r grows, components merge and loops are born and filled; what lives long is
the shape, what dies young is noise. Coefficients are in Z/2, so a chain is a set of simplices.

Source: Edelsbrunner and Harer, "Computational topology", 2010, section VII.1.
"""

from itertools import combinations

import numpy as np


def persistence(points: np.ndarray, reach: float = np.inf) -> tuple[np.ndarray, np.ndarray]:
    """Return the bars (birth, death) of components (B, 2) and of loops (C, 2).

    Bars of no length are left out; those that outlive `reach` have an infinite death.

    Args:
        points: (N, d); the number of triangles grows as N^3.
        reach: The largest distance that is looked at.
    """
    apart = np.linalg.norm(points[:, np.newaxis] - points, axis=2)
    simplices = sorted(
        (max((apart[p, q] for p, q in combinations(corners, 2)), default=0.0), size, corners)
        for size in (1, 2, 3)
        for corners in combinations(range(len(points)), size)
    )
    kept = [(birth, corners) for birth, _, corners in simplices if birth <= reach]
    number = {corners: place for place, (_, corners) in enumerate(kept)}
    births = np.array([birth for birth, _ in kept])
    pairs = _pairs([_boundary(corners, number) for _, corners in kept])
    bars: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for born, died in pairs.items():
        size = len(kept[born][1])
        end = births[died] if died is not None else np.inf
        if size in bars and end > births[born]:
            bars[size].append((births[born], end))
    components, loops = (np.array(sorted(bars[size])).reshape(-1, 2) for size in (1, 2))
    return components, loops


def _boundary(corners: tuple[int, ...], number: dict[tuple[int, ...], int]) -> set[int]:
    """Return the faces of a simplex by their places; a point has none."""
    faces = combinations(corners, len(corners) - 1) if len(corners) > 1 else ()
    return {number[face] for face in faces}


def _pairs(columns: list[set[int]]) -> dict[int, int | None]:
    """Return for each simplex that creates a class the one that destroys it, or None.

    Columns are added from left to right until no two have the same lowest entry. A column that
    becomes empty is a cycle, which its simplex closes; the lowest entry of one that does not is
    the youngest simplex of the cycle that it fills.
    """
    owner: dict[int, int] = {}
    reduced: list[set[int]] = []
    found: dict[int, int | None] = {}
    for place, boundary in enumerate(columns):
        column = set(boundary)
        while column and max(column) in owner:
            column ^= reduced[owner[max(column)]]
        reduced.append(column)
        if column:
            owner[max(column)] = place
            found[max(column)] = place
        else:
            found[place] = None
    return found
