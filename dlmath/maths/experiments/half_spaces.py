"""Half-spaces: they tell signed measures apart, and a plane parts so many labellings."""

from math import comb

import numpy as np
from scipy.optimize import linprog

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.network import forward, initialised
from dlmath.maths.papers import Source
from dlmath.maths.perceptron import embed
from dlmath.maths.plots import curves


def lattice(rng: np.random.Generator, points: int, dimension: int) -> np.ndarray:
    """Return different points (N, d) with integer coordinates up to 9, some on one ray from 0."""
    rows = np.unique(rng.integers(-4, 5, (4 * points, dimension)), axis=0)
    rows = rows[np.any(rows != 0, axis=1)]
    rows = rows[rng.permutation(len(rows))][: points - 1]
    return np.unique(np.concatenate([rows, 2 * rows[:1]]), axis=0)


def indicators(levels: np.ndarray) -> np.ndarray:
    """Return whether each of the N half-spaces between levels, lowest first, holds each point.

    Args:
        levels: (N,), different whole numbers.
    """
    return levels[np.newaxis, :] > np.sort(levels)[:, np.newaxis] - 0.5


@experiment(
    title="A signed measure that no half-space sees is zero",
    statement=(
        "The masses of the open half-spaces w . x + b > 0 determine a finite signed measure on "
        "points of R^d: with w so that no two of them lie on one level, the half-spaces between "
        "the levels have a triangular matrix of ones, so the measure is found again, exactly. In "
        "particular one whose half-spaces all have mass 0, that of everything among them, is 0; "
        "this is the step of Cybenko's proof. Half-spaces with b = 0 do not tell x from 2 x."
    ),
    sources=(
        Source("tsemo", 425, "assigns zero measure to all intersections"),
        Source("tsemo", 428, "contradiction"),
        Source("tsemo", 398, "be a continuous function satisfying"),
    ),
    about=("compute.levels", "indicators"),
    reference="Cybenko, 1989, lemma 1; Cramer and Wold, 1936",
    sabotage=Sabotage("the half-spaces all end at the origin, b = 0", {"offsets": False}),
)
def half_spaces_determine_a_measure(
    *, offsets: bool = True, points: int = 14, seed: int = 0
) -> Outcome:
    """`offsets` lets b be any number; measures have whole masses."""
    checks, shown = [], {}
    for dimension in (2, 3):
        rng = seeds.generator("half-spaces", seed, dimension)
        rows = lattice(rng, points, dimension)
        masses = rng.integers(-9, 10, len(rows))
        # Powers of 19 tell coordinates between -9 and 9 apart: no two points share a level.
        levels = rows @ 19 ** np.arange(dimension)
        through_0 = rng.normal(size=(200, dimension)) @ rows.T > 0
        inside = indicators(levels) if offsets else through_0
        seen = inside.astype(np.int64) @ masses
        found = np.linalg.lstsq(inside.astype(float), seen, rcond=None)[0]
        triangle = np.triu(np.ones((len(rows), len(rows)), bool))
        checks += [
            at_most(
                f"{dimension} dimensions: entries away from a triangle of ones, by level",
                np.sum(indicators(levels)[:, np.argsort(levels)] != triangle),
                0,
            ),
            at_least(
                f"{dimension} dimensions: rank of the half-spaces over the points",
                np.linalg.matrix_rank(inside.astype(float)) / len(rows),
                1,
            ),
            at_most(
                f"{dimension} dimensions: largest error of the masses found again",
                np.abs(np.round(found) - masses).max(),
                0,
            ),
        ]
        shown[f"{dimension} dimensions"] = (np.arange(len(rows)), found - masses)
    return Outcome(
        tuple(checks),
        curves("Mass found less the mass", "number of the point", "difference", shown),
    )


def separable_labellings(features: np.ndarray) -> int:
    """Return how many of the 2^N labellings of N points (N, d) an affine plane parts.

    Each is a linear programme; turning all labels round changes nothing, so half are looked at.
    """
    rows = embed(features)
    count = 0
    for number in range(2 ** (len(rows) - 1)):
        labels = np.where(number >> np.arange(len(rows)) & 1, 1.0, -1.0)
        answer = linprog(
            np.zeros(rows.shape[1]),
            A_ub=-labels[:, np.newaxis] * rows,
            b_ub=-np.ones(len(rows)),
            bounds=(None, None),
            method="highs",
        )
        count += 2 * int(answer.status == 0)
    return count


@experiment(
    title="What a fine-tuned last layer can part, counted",
    statement=(
        "Training only the last layer of a network leaves as boundaries the planes in its d "
        "features. Of the 2^N labellings of N inputs it can reach exactly 2 sum_(k <= d) "
        "binomial(N - 1, k), if no d + 1 of the features lie on one plane: all of them up to N = "
        "d + 1, half at N = 2 d + 2. Which features they are makes no difference to the number; "
        "it does if the features depend on each other, as with two units that are the same."
    ),
    sources=(Source("tsemo", 39, "modifying its final layers"),),
    about=("separable_labellings",),
    reference="Cover, Geometrical and statistical properties of systems of linear inequalities, "
    "1965, theorem 1",
    sabotage=Sabotage("two features are the same", {"copied": 1}),
)
def last_layer_labellings(*, copied: int = 0, features: int = 2, seed: int = 0) -> Outcome:
    """`copied` features repeat the first; inputs have 3 dimensions, features are tanh units."""
    network = initialised((3, 8, features, 1), "tanh", "last layer", seed)[:-1]
    numbers = np.arange(2, 2 * features + 4)
    found, wanted = [], []
    for number in numbers:
        inputs = seeds.generator("last layer", seed).normal(size=(int(number), 3))
        outputs = forward(network, inputs)
        outputs[:, features - copied :] = outputs[:, :1]
        found.append(separable_labellings(outputs))
        wanted.append(2 * sum(comb(int(number) - 1, k) for k in range(features + 1)))
    half = 2 * features + 2
    return Outcome(
        (
            at_most(
                "largest difference to the count of Cover",
                np.abs(np.subtract(found, wanted)).max(),
                0,
            ),
            at_most(
                "labellings of d + 1 inputs that are missed",
                2 ** (features + 1) - found[numbers.tolist().index(features + 1)],
                0,
            ),
            at_most(
                "share of the labellings of 2 d + 2 inputs, away from 1/2",
                abs(found[numbers.tolist().index(half)] / 2**half - 0.5),
                0,
            ),
        ),
        curves(
            "Labellings that the last layer reaches",
            "inputs",
            "log2 of labellings",
            {
                "found": (numbers, np.log2(found)),
                "Cover": (numbers, np.log2(wanted)),
                "all": (numbers, numbers.astype(float)),
            },
        ),
    )
