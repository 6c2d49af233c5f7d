"""Fits with more weights than rows, ensembles, transfer: test errors by exact formulas."""

from math import sqrt

import numpy as np
from scipy.stats import chi2

from dlmath import seeds
from dlmath.charts import Chart
from dlmath.maths.chance import RARE, outside
from dlmath.maths.experiment_base import (
    Outcome,
    Sabotage,
    at_least,
    at_most,
    experiment,
)
from dlmath.maths.experiments.generalisation import least_norm
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def fitted_risk(rows: int, count: int, kept: float, missed: float, noise: float) -> float:
    """Return the expected squared error on new rows of `least_norm` on p of the normal features.

    With s = noise^2 + missed, missed being the squared weights of the features left out and kept
    those of the others: s (1 + p / (N - p - 1)) up to p = N - 2, infinite up to p = N + 1, and
    kept (1 - N / p) + s (1 + N / (p - N - 1)) from N + 2 on (Belkin, Hsu and Xu, theorem 1).
    """
    s = noise**2 + missed
    if count <= rows - 2:
        return s * (1 + count / (rows - count - 1))
    if count <= rows + 1:
        return float("inf")
    return kept * (1 - rows / count) + s * (1 + rows / (count - rows - 1))


@experiment(
    title="Why a fit of every row may do well on new ones",
    statement=(
        "A target that is linear in 400 independent normal features, with equal weights of total "
        "square 1, is fitted by least squares of least norm on the first p of them, on 20 rows. "
        "From p = N on every training row is fitted exactly. The expected error on new rows is s "
        "(1 + p / (N - p - 1)) below, and k (1 - N / p) + s (1 + N / (p - N - 1)) beyond, with k "
        "and s - noise^2 the squares of the weights kept and left out: it rises without bound at p "
        "= N, and falls again, with all features below what it was at a few. A penalty on the "
        "weights fits no row exactly and has another error."
    ),
    sources=(Source("foundations", 187, "Why do overparameterized networks generalize well?"),),
    about=("fitted_risk", "compute.errors", "compute.training"),
    reference="Belkin, Hsu and Xu, Two models of double descent for weak features, "
    "arXiv:1903.07571, theorem 1; Breiman and Freedman, How many variables should be entered in a "
    "regression equation, 1983",
    sabotage=Sabotage("the weights are penalised", {"ridge": 1.0}),
)
def interpolation_has_a_formula(
    *, ridge: float = 0.0, rows: int = 20, noise: float = 0.3, draws: int = 150, seed: int = 0
) -> Outcome:
    """`ridge` is the penalty; errors are those on 50 new rows, of `draws` training sets."""
    total = 400
    counts = np.array([5, 8, 12, 30, 60, 120, 400])
    rng = seeds.generator("interpolation", seed)
    weights = np.full(total, 1 / sqrt(total))
    errors, training = np.zeros((draws, len(counts))), np.zeros((draws, len(counts)))
    for draw in range(draws):
        x, new = (rng.normal(size=(n, total)) for n in (rows, 50))
        y, unseen = (a @ weights + noise * rng.normal(size=len(a)) for a in (x, new))
        for place, count in enumerate(counts):
            features = x[:, :count]
            fit = least_norm(features, y, ridge)
            errors[draw, place] = np.mean((new[:, :count] @ fit - unseen) ** 2)
            training[draw, place] = np.mean((features @ fit - y) ** 2)
    squares = np.cumsum(weights**2)
    formula = np.array(
        [fitted_risk(rows, c, squares[c - 1], squares[-1] - squares[c - 1], noise) for c in counts]
    )
    mean = errors.mean(axis=0)
    return Outcome(
        (
            at_most(
                "largest training error from p = N on", training[:, counts > rows].max(), 1e-18
            ),
            at_most("expected errors beyond what chance allows", outside(errors, formula), 0),
            at_least("error at p = 30 over that at 400", mean[counts == 30][0] / mean[-1], 2),
            at_most("error at 400 over the least below N", mean[-1] / mean[counts < rows].min(), 1),
        ),
        _descent(rows, squares, noise, counts, mean),
    )


def _descent(
    rows: int, squares: np.ndarray, noise: float, counts: np.ndarray, mean: np.ndarray
) -> Chart:
    every = np.arange(1, len(squares) + 1)
    formula = [
        fitted_risk(rows, c, squares[c - 1], squares[-1] - squares[c - 1], noise)
        for c in every.tolist()
    ]
    return curves(
        "Error on new rows by the number of features",
        "log10 of features",
        "error",
        {
            "measured": (np.log10(counts), mean),
            "by the formula": (np.log10(every), np.where(np.isfinite(formula), formula, np.nan)),
        },
        log=True,
    ).upright(float(np.log10(rows)), "p = N")


@experiment(
    title="An ensemble keeps the bias and divides the variance",
    statement=(
        "Let m members be fits by least squares of degree 1 to sin(3 x) at N fixed places, with "
        "normal noise of variance v, of which a share r is common to all. The ensemble's mean has "
        "the expectation H f of one member, whatever m: no bias is averaged away. Its variance at "
        "the places is that of one member times r + (1 - r) / m, and stays above r times it. If "
        "some members have another bias, so has the mean."
    ),
    sources=(Source("foundations", 93, "Why ensemble methods work by reducing variance"),),
    about=("compute.members", "compute.means", "compute.variances"),
    reference="Breiman, Random forests, 2001, section 11; Hastie, Tibshirani and Friedman, The "
    "elements of statistical learning, 2009, equation 15.1",
    sabotage=Sabotage("half of the members have another bias", {"offset": 0.2}),
)
def an_ensemble_keeps_the_bias(
    *,
    offset: float = 0.0,
    common: float = 0.2,
    noise: float = 0.5,
    rows: int = 30,
    draws: int = 400,
    seed: int = 0,
) -> Outcome:
    """`offset` is added to the targets of every second member; `common` is r."""
    x = np.linspace(-1, 1, rows)
    basis = np.linalg.qr(np.column_stack([np.ones(rows), x]))[0]  # H = Q Q^T
    truth = np.sin(3 * x)
    sizes = np.array([1, 2, 4, 8, 16, 32])
    rng = seeds.generator("ensemble", seed)
    shared = rng.normal(size=(draws, 1, rows)) * sqrt(common)
    own = rng.normal(size=(draws, sizes[-1], rows)) * sqrt(1 - common)
    targets = truth + noise * (shared + own)
    targets[:, 1::2] += offset
    members = targets @ basis  # the coefficients, (draws, m, 2)
    means = np.array([members[:, :m].mean(axis=1) for m in sizes])  # (sizes, draws, 2)
    factor = common + (1 - common) / sizes
    away = means - truth @ basis
    variances = factor * noise**2
    # Sums of squares of independent normal numbers: of the means over draws, and about them.
    of_bias = draws * np.sum(away.mean(axis=1) ** 2, axis=1) / variances
    of_spread = np.sum((away - away.mean(axis=1, keepdims=True)) ** 2, axis=(1, 2)) / variances
    freedom = 2 * (draws - 1)
    bias = np.linalg.norm(truth - basis @ (basis.T @ truth)) / sqrt(rows)
    found = np.linalg.norm(truth - means.mean(axis=1) @ basis.T, axis=1) / sqrt(rows)
    return Outcome(
        (
            at_most(
                "bias of the means away from one member's, as a chi square",
                of_bias.max(),
                chi2.isf(RARE, 2),
            ),
            at_least("variance as a chi square, least", of_spread.min(), chi2.ppf(RARE, freedom)),
            at_most("variance as a chi square, largest", of_spread.max(), chi2.isf(RARE, freedom)),
            at_least("bias of one member", bias, 0.3),
        ),
        curves(
            "Ensembles of fits of degree 1",
            "log2 of members",
            "root mean square",
            {
                "bias": (np.log2(sizes), found),
                "deviation": (
                    np.log2(sizes),
                    np.sqrt(np.sum(np.var(means, axis=1), axis=1) / rows),
                ),
                "by the formula": (np.log2(sizes), np.sqrt(2 * variances / rows)),
            },
        ),
    )


@experiment(
    title="Transfer helps as long as the features are shared",
    statement=(
        "Tasks are linear in the same k of d directions; solved source tasks span them. The target "
        "has N < d rows and weights of length 1 at an angle t to that span. Least squares in the k "
        "directions has the expected error s (1 + k / (N - k - 1)), s = noise^2 + sin^2 t, on new "
        "rows; least squares of least norm from scratch has 1 - N / d + noise^2 (1 + N / (d - N - "
        "1)). So transfer helps up to the angle where both are equal, and harms beyond."
    ),
    sources=(
        Source("foundations", 183, "Transfer Learning"),
        Source("foundations", 183, "Multi-Task Learning"),
        Source("foundations", 183, "Few-Shot Learning"),
    ),
    about=("compute.span", "compute.fits"),
    reference="Tripuraneni, Jin and Jordan, Provable meta-learning of linear representations, "
    "arXiv:2002.11684; the errors as in Belkin, Hsu and Xu, arXiv:1903.07571",
    sabotage=Sabotage("the target shares none of the features", {"angle": 90.0}),
)
def transfer_needs_shared_features(
    *, angle: float = 0.0, noise: float = 0.3, rows: int = 15, draws: int = 300, seed: int = 0
) -> Outcome:
    """`angle` in degrees is that of the target's weights to the shared directions."""
    width, shared, tasks = 40, 4, 8
    rng = seeds.generator("transfer", seed)
    directions = np.linalg.qr(rng.normal(size=(width, width)))[0]
    sources = rng.normal(size=(tasks, shared)) @ directions[:, :shared].T  # weights, solved exactly
    span = np.linalg.svd(sources, full_matrices=False)[2][:shared].T
    angles = np.unique([angle, *np.linspace(0, 90, 10)])
    errors = np.zeros((draws, len(angles), 2))
    for draw in range(draws):
        x, new = (rng.normal(size=(n, width)) for n in (rows, 50))
        own = directions[:, :shared] @ _unit(rng, shared)
        other = directions[:, shared:] @ _unit(rng, width - shared)
        clean, unseen = noise * rng.normal(size=rows), noise * rng.normal(size=50)
        for place, one in enumerate(np.radians(angles)):
            weights = np.cos(one) * own + np.sin(one) * other
            y, z = x @ weights + clean, new @ weights + unseen
            fits = span @ least_norm(x @ span, y, 0.0), least_norm(x, y, 0.0)
            errors[draw, place] = [np.mean((new @ fit - z) ** 2) for fit in fits]
    sines = np.sin(np.radians(angles)) ** 2
    scratch = fitted_risk(rows, width, 1.0, 0.0, noise)
    formula = np.stack(
        [[fitted_risk(rows, shared, 0.0, s, noise) for s in sines], np.full(len(sines), scratch)], 1
    )
    turn = scratch / (1 + shared / (rows - shared - 1)) - noise**2
    better = errors.mean(axis=0)[:, 0] < errors.mean(axis=0)[:, 1]
    clear = np.abs(sines - turn) > 0.1
    here = errors.mean(axis=0)[list(angles).index(angle)]
    return Outcome(
        (
            at_most("error with transfer over that from scratch", here[0] / here[1], 0.5),
            at_most("expected errors beyond what chance allows", outside(errors, formula), 0),
            at_most(
                "angles at which transfer helps or harms otherwise than the formulas say",
                np.sum((better != (sines < turn))[clear]),
                0,
            ),
        ),
        curves(
            "Error on new rows of the target",
            "angle in degrees",
            "error",
            {
                "with transfer": (angles, errors.mean(axis=0)[:, 0]),
                "from scratch": (angles, errors.mean(axis=0)[:, 1]),
                "transfer, by the formula": (angles, formula[:, 0]),
            },
        ).upright(float(np.degrees(np.arcsin(np.sqrt(turn)))), "equal"),
    )


def _unit(rng: np.random.Generator, size: int) -> np.ndarray:
    drawn = rng.normal(size=size)
    return drawn / np.linalg.norm(drawn)
