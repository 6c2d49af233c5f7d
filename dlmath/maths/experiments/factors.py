"""Independent factors: when they can be told apart, and when not."""

from itertools import permutations

import numpy as np

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of, smallest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import sequences


def independent_components(rows: np.ndarray, steps: int, start: np.ndarray) -> np.ndarray:
    """Return coordinates (N, d) of rows (N, d) that are as far from normal as can be.

    The rows are brought to covariance 1; what is left is a rotation, and its fixed-point iteration
    seeks the largest |kurtosis| along each axis (Hyvarinen and Oja, "A fast fixed-point algorithm
    for independent component analysis", 1997).
    """
    centred = rows - rows.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(rows))
    white = centred @ vectors / np.sqrt(values)
    turn = start
    for _ in range(steps):
        left, _, right = np.linalg.svd(white.T @ (white @ turn) ** 3 / len(rows) - 3 * turn)
        turn = left @ right  # the nearest rotation
    return white @ turn


def matched(found: np.ndarray, sources: np.ndarray) -> float:
    """Return the least |correlation| of a source with its component, in the best order."""
    count = sources.shape[1]
    table = np.abs(np.corrcoef(found.T, sources.T)[:count, count:])
    return largest_of(
        smallest_of(table[place, k] for k, place in enumerate(p))
        for p in permutations(range(count))
    )


@experiment(
    title="Independent factors are found, if they are not normal",
    statement=(
        "Linear mixtures of independent factors of which at most one is normal determine these, "
        "up to order and scale. Normal ones are not determined: every rotation of them has the "
        "same law, so no method can undo it. Being uncorrelated is not enough either."
    ),
    sources=(Source("foundations", 128, "Separating independent factors of variation"),),
    about=("independent_components", "matched"),
    reference="Comon, Independent component analysis, 1994, theorem 11; Locatello et al., "
    "Challenging common assumptions in disentanglement, arXiv:1811.12359",
    sabotage=Sabotage("the factors are normal", {"law": "normal"}),
)
def independent_factors_are_found(
    *, law: str = "uniform", rows: int = 6000, seed: int = 0
) -> Outcome:
    """`law` is uniform or normal, that of three factors, which are mixed at random."""
    rng = seeds.generator("factors", seed)
    uniform = choose("law", law, {"uniform": True, "normal": False})
    sources = rng.uniform(-1, 1, (rows, 3)) if uniform else rng.normal(size=(rows, 3))
    mixed = sources @ (rng.normal(size=(3, 3)) + np.eye(3)) + rng.normal(size=3)
    first, second = (
        independent_components(mixed, 40, np.linalg.qr(rng.normal(size=(3, 3)))[0])
        for _ in range(2)
    )
    principal = independent_components(mixed, 0, np.eye(3))
    noise = np.column_stack([sources[:, [1, 0]], rng.normal(size=rows)])
    white = np.cov(first.T, bias=True)
    shares = [matched(one, sources) for one in (first, second, principal)]
    return Outcome(
        (
            at_least("least correlation with its factor, from two starts", shares[:2], 0.995),
            at_most("covariance of the found away from 1", np.abs(white - np.eye(3)).max(), 1e-9),
            # 0 but for 5 standard errors.
            at_most(
                "the same of two factors and noise", matched(noise, sources), 5 / np.sqrt(rows)
            ),
            at_least(
                "the same less that of principal components, which are uncorrelated",
                shares[0] - shares[2],
                1e-6,
            ),
        ),
        sequences(
            "The first 60 values of a factor",
            "row",
            "value",
            {
                "factor": _unit(sources[:60, 0]),
                "found": _unit(_nearest(first, sources[:, 0])[:60]),
            },
        ),
    )


def _nearest(found: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Return the component of most |correlation| with a source, with the sign of the source."""
    shares = np.array([np.corrcoef(one, source)[0, 1] for one in found.T])
    best = np.argmax(np.abs(shares))
    return found[:, best] * np.sign(shares[best])


def _unit(values: np.ndarray) -> np.ndarray:
    return values / np.abs(values).max()
