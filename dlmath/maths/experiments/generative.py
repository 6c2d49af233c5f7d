"""A variational autoencoder whose every number is known: the linear one."""

import numpy as np

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def log_likelihood(x: np.ndarray, weights: np.ndarray, noise: float) -> np.ndarray:
    """Return log p(x) of rows x (N, d), where x = W z + noise e with z and e standard normal."""
    covariance = weights @ weights.T + noise**2 * np.eye(len(weights))
    squares = np.sum(x * np.linalg.solve(covariance, x.T).T, axis=1)
    return -(squares + np.linalg.slogdet(2 * np.pi * covariance)[1]) / 2


def lower_bound(
    x: np.ndarray, weights: np.ndarray, noise: float, mean: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """Return E_q log p(x|z) - KL(q | prior) for each row, with q = N(mean, spread).

    Args:
        x: (N, d).
        weights: W, (d, k).
        noise: Standard deviation of x given z.
        mean: (N, k), what the encoder says of each row.
        spread: (k, k), the covariance of q, the same for all rows.
    """
    d, k = weights.shape
    error = np.sum((x - mean @ weights.T) ** 2, axis=1) + np.trace(weights.T @ weights @ spread)
    kept = -(error / noise**2 + d * np.log(2 * np.pi * noise**2)) / 2
    divergence = np.sum(mean**2, axis=1) + np.trace(spread) - k - np.linalg.slogdet(spread)[1]
    return kept - divergence / 2


def posterior(x: np.ndarray, weights: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Return means (N, k) and covariance (k, k) of z given each row."""
    precision = np.eye(weights.shape[1]) + weights.T @ weights / noise**2
    spread = np.linalg.inv(precision)
    return x @ weights @ spread / noise**2, spread


@experiment(
    title="A variational autoencoder's bound, and what it misses, in closed form",
    statement=(
        "For x = W z + noise with z standard normal, the evidence lower bound is at most log p(x) "
        "for every encoder q = N(m, S), and equal to it for the posterior and only there. The best "
        "encoder with independent coordinates misses exactly (sum of log M_ii - log det M)/2, with "
        "M = I + W^T W/noise^2, whatever x: nothing, where the columns of W are orthogonal, as "
        "those of principal components are. With another prior than the bound's it is no bound."
    ),
    sources=(Source("murari", 468, "2018-08-12-vae"),),
    about=("log_likelihood", "lower_bound", "posterior"),
    reference="Kingma and Welling, arXiv:1312.6114; Lucas et al., Don't blame the ELBO, "
    "arXiv:1911.02469",
    sabotage=Sabotage("z has a variance of 4", {"prior": 2.0}),
)
def evidence_bound_of_a_linear_autoencoder(*, prior: float = 1.0, seed: int = 0) -> Outcome:
    """`prior` is the standard deviation of z; the bound takes it for 1."""
    rng, (d, k), noise = seeds.generator("evidence", seed), (6, 3), 0.7
    weights = rng.normal(size=(d, k))
    x = prior * rng.normal(size=(50, k)) @ weights.T + noise * rng.normal(size=(50, d))
    evidence = log_likelihood(x, prior * weights, noise)
    mean, spread = posterior(x, weights, noise)
    exact = lower_bound(x, weights, noise, mean, spread)
    gaps, pulls = [], []
    for _ in range(30):
        root = np.linalg.cholesky(spread) @ (np.eye(k) + 0.3 * rng.normal(size=(k, k)))
        other = mean + 0.3 * rng.normal(size=mean.shape)
        gap = evidence - lower_bound(x, weights, noise, other, root @ root.T)
        # What it misses is the divergence of q from the posterior.
        inner = np.linalg.solve(spread, root @ root.T)
        shift = np.sum((other - mean) * np.linalg.solve(spread, (other - mean).T).T, axis=1)
        divergence = (np.trace(inner) + shift - k - np.linalg.slogdet(inner)[1]) / 2
        gaps.append(gap)
        pulls.append(np.abs(gap - divergence).max())
    precision = np.linalg.inv(spread)
    diagonal = np.diag(1 / np.diag(precision))
    missed = evidence - lower_bound(x, weights, noise, mean, diagonal)
    formula = (np.sum(np.log(np.diag(precision))) - np.linalg.slogdet(precision)[1]) / 2
    scales = np.array([0.5, 0.8, 0.95, 1.05, 1.25, 2.0])
    near = np.array([lower_bound(x, weights, noise, mean, scale * diagonal)[0] for scale in scales])
    left, sizes, _ = np.linalg.svd(weights, full_matrices=False)
    straight = left * sizes  # the same law of x, with orthogonal columns
    centre, even = posterior(x, straight, noise)
    return Outcome(
        (
            at_most(
                "bound with the posterior, away from log p(x)", np.abs(exact - evidence), 1e-10
            ),
            at_least("log p(x) less the bound of other encoders", gaps, 0),
            at_most("that, away from their divergence from the posterior", largest_of(pulls), 1e-9),
            at_most(
                "independent coordinates: missed, away from its formula",
                np.abs(missed - formula),
                1e-10,
            ),
            at_least(
                "independent coordinates, other spreads: missed beyond that",
                evidence[0] - near - formula,
                1e-6,
            ),
            at_most(
                "orthogonal columns: covariances of the posterior that are not 0",
                np.abs(even - np.diag(np.diag(even))),
                1e-12,
            ),
            at_most(
                "orthogonal columns: bound with independent coordinates away from log p(x)",
                np.abs(lower_bound(x, straight, noise, centre, np.diag(np.diag(even))) - evidence),
                1e-10,
            ),
        ),
        curves(
            "Missed by encoders with independent coordinates, one row",
            "their variances over the best",
            "log p(x) less the bound",
            {"missed": (scales, evidence[0] - near), "formula": (scales, formula + 0 * scales)},
        ),
    )
