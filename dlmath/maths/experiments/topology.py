"""The shape of data: persistent homology of a circle, and how many dimensions data have."""

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import KDTree
from scipy.spatial.distance import pdist, squareform

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_most, experiment
from dlmath.maths.homology import persistence
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, dots


@experiment(
    title="Persistent homology sees that a circle is one piece with one hole",
    statement=(
        "Of 3 m equidistant points of the unit circle, joined within a growing distance r, the "
        "components merge at r = 2 sin(pi / 3 m), when one loop is born; it is filled at r = "
        "sqrt 3, the side of the inscribed triangle, and there is no other. If every point moves "
        "by at most e, both ends move by at most 2 e. For random points the merging distances "
        "are the edges of the shortest tree."
    ),
    sources=(
        Source("foundations", 140, "Persistent Homology: Measuring topological features"),
        Source("tsemo", 35, "topological data analysis"),
    ),
    about=("persistence", "homology._boundary", "homology._pairs"),
    reference="Adamaszek and Adams, The Vietoris-Rips complexes of a circle, arXiv:1503.03669; "
    "Cohen-Steiner, Edelsbrunner and Harer, Stability of persistence diagrams, 2007",
    sabotage=Sabotage("two fifths of the circle are missing: it is an arc", {"missing": 0.4}),
)
def circle_has_one_hole(
    *, missing: float = 0.0, triples: int = 8, noise: float = 0.1, seed: int = 0
) -> Outcome:
    """`missing` is the share of the circle that is left out, `noise` is e."""
    count = 3 * triples
    rng = seeds.generator("circle", seed)
    angles = 2 * np.pi * (1 - missing) * np.arange(count) / count
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    turns, lengths = rng.uniform(0, 2 * np.pi, count), noise * np.sqrt(rng.random(count))
    moved = circle + lengths[:, np.newaxis] * np.column_stack([np.cos(turns), np.sin(turns)])
    components, loops = persistence(circle)
    noisy = persistence(moved)[1]
    ends, longest = (_longest(bars) for bars in (loops, noisy))
    merged = np.sort(persistence(moved)[0][:-1, 1])
    tree = np.sort(minimum_spanning_tree(squareform(pdist(moved))).data)
    step, side = 2 * np.sin(np.pi / count), np.sqrt(3)
    arc = np.linspace(0, 2 * np.pi * (1 - missing), 200)
    chart = curves("Points that were moved", "x", "y", {"circle": (np.cos(arc), np.sin(arc))})
    for_ever = np.isinf(components[:, 1]).sum()
    return Outcome(
        (
            at_most("components for ever, away from 1", abs(for_ever - 1), 0),
            at_most("loops, away from 1", abs(len(loops) - 1), 0),
            at_most("birth and death of the loop, error", np.abs(ends - [step, side]).max(), 1e-12),
            at_most(
                "move of the longest loop's ends over 2 e",
                np.abs(longest - ends).max() / (2 * noise),
                1,
            ),
            at_most("merging distances away from the tree's", np.abs(merged - tree).max(), 0),
        ),
        dots(chart, moved, "other"),
    )


def _longest(bars: np.ndarray) -> np.ndarray:
    """Return birth and death of the bar that lives longest, NaN where there is none."""
    return bars[np.argmax(bars[:, 1] - bars[:, 0])] if len(bars) else np.full(2, np.nan)


@experiment(
    title="Neighbours tell the dimension of data",
    statement=(
        "Whatever the number of coordinates, on a smooth piece of dimension d the ratio of the "
        "distances to the second and the first neighbour exceeds m with chance m^-d, if the "
        "density hardly changes between them. So N over the sum of the ratios' logarithms "
        "estimates d, for a curve, a surface and a solid bent into 20 coordinates."
    ),
    sources=(
        Source("foundations", 140, "Understanding the intrinsic dimensionality"),
        Source("foundations", 127, "Data lies on low-dimensional manifolds"),
    ),
    about=("compute.logs", "compute.found"),
    reference="Facco et al., Estimating the intrinsic dimension, 2017, arXiv:1803.06992",
    sabotage=Sabotage("noise in all coordinates, wider than neighbours lie apart", {"noise": 0.3}),
)
def neighbours_tell_the_dimension(
    *, noise: float = 0.0, points: int = 1500, seed: int = 0
) -> Outcome:
    """`noise` is its deviation in each of the 20 coordinates."""
    dimensions = np.array([1, 2, 3])
    found, gaps, lines = [], [], {}
    for dimension in dimensions:
        rng = seeds.generator("dimension", seed, int(dimension))
        inside = rng.random((points, dimension))
        bent = np.sin(inside @ rng.normal(size=(dimension, 20)) * 2 + rng.uniform(0, 6, 20))
        bent = bent + noise * rng.normal(size=bent.shape)
        near = KDTree(bent).query(bent, k=3)[0]
        logs = np.sort(np.log(near[:, 2] / near[:, 1]))
        found.append(points / logs.sum())
        beyond = 1 - np.arange(points) / points  # the share of ratios that are at least this large
        gaps.append(np.abs(beyond - np.exp(-dimension * logs)).max())
        lines[f"d = {dimension}"] = (logs[:-15], -np.log(beyond[:-15]))
    errors = np.abs(np.array(found) / dimensions - 1)
    return Outcome(
        (
            at_most("largest relative error of the dimension", errors.max(), 0.15),
            at_most("largest distance of the ratios' law from m^-d", gaps, 0.08),
        ),
        curves("Slopes are the dimensions", "log m", "-log of the share beyond m", lines),
    )
