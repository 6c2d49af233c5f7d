"""Remedies against overfitting, measured on one small noisy set."""

from math import sqrt

import numpy as np
from scipy.special import expit
from scipy.stats import kstest

from dlmath import seeds
from dlmath.maths.chance import mean_range, standard_error
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.objectives import logistic_loss
from dlmath.maths.optimisers import minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import sequences
from dlmath.maths.second_order import Lbfgs

KEPT = 0.6  # share of the inputs that dropout keeps
KOLMOGOROV = 2.7  # exceeded with chance 2 exp(-2 * 2.7^2), once in a million
REMEDIES = ("weight decay", "early stopping", "augmentation", "dropout")


@experiment(
    title="Remedies against overfitting, measured",
    statement=(
        "On a small noisy set whose labels depend on 2 of 40 features, weight decay, early "
        "stopping, noise of mean 0 added to the inputs (augmentation) and dropout of inputs, of "
        "which the others are scaled up so that their mean stays, each lower the cross-entropy "
        "on new data, against the same logistic regression fitted to the end. None falls below "
        "that of the true chances."
    ),
    sources=(
        Source("murari", 344, "weight decay"),
        Source("murari", 343, "augmentation or synthetic data"),
        Source("tsemo", 455, "regularization term can be added"),
        Source("tsemo", 460, "Dropout is a regularization technique"),
        Source("foundations", 65, "Regularization Terms"),
    ),
    about=("blurred", "dropped_out", "_losses"),
    reference="Wager, Wang and Liang, Dropout training as adaptive regularization, arXiv:1307.1493",
    sabotage=Sabotage("there is data in plenty", {"rows": 3000}),
)
def remedies_against_overfitting(*, rows: int = 150, seed: int = 0) -> Outcome:
    """`rows` is the size of the training set; each remedy has one fixed strength."""
    rng = seeds.generator("remedies", seed)
    truth = np.zeros(40)
    truth[:2] = 1.5, -1.0

    def draw(number: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(size=(number, 40))
        return x, (x @ truth + rng.logistic(size=number) > 0).astype(float)

    (x, y), (new, said) = draw(rows), draw(5000)
    copies = max(1, 4000 // rows)
    repeated, labels = np.tile(x, (copies, 1)), np.tile(y, copies)
    noisy, dropped = blurred(repeated, 0.8, rng), dropped_out(repeated, KEPT, rng)
    losses_of = {
        "none": logistic_loss(x, y, 1e-7),
        "weight decay": logistic_loss(x, y, 0.1),
        "augmentation": logistic_loss(noisy, labels),
        "dropout": logistic_loss(dropped, labels),
    }
    fits = {
        name: minimise(loss, np.zeros(40), Lbfgs(), 200, tolerance=1e-6).points[-1]
        for name, loss in losses_of.items()
    }
    fits["early stopping"] = minimise(logistic_loss(x, y), np.zeros(40), Lbfgs(), 2).points[-1]
    test = logistic_loss(new, said)
    each = {name: _losses(new, said, fits[name]) for name in ("none", *REMEDIES)}
    scores = {name: losses.mean() for name, losses in each.items()}
    gap = largest_of(abs(scores[name] - test.value(fits[name])) for name in scores)
    # Of one example, so that the least may be judged by its interval: fit less truth.
    excess = np.array([losses - _losses(new, said, truth) for losses in each.values()])
    slope = x.T @ (expit(x @ fits["weight decay"]) - y) / rows + 0.1 * fits["weight decay"]
    return Outcome(
        (
            *(
                at_most(
                    f"{name}: cross-entropy on new data over that without",
                    scores[name] / scores["none"],
                    0.9,
                )
                for name in REMEDIES
            ),
            at_least(
                "any fit's cross-entropy over the true chances', largest mean, at worst",
                mean_range(excess.T)[1].min(),
                0,
            ),
            *(
                at_most(
                    f"{name}: inputs' mean and mean square away, in standard errors",
                    _departure(changed, repeated, spread),
                    5.5,
                )
                for name, changed, spread in (
                    ("augmentation", noisy, np.full(repeated.shape, 0.8**2)),
                    ("dropout", dropped, repeated**2 * (1 - KEPT) / KEPT),
                )
            ),
            at_most(
                "augmentation: Kolmogorov's distance of the noise from the normal law times sqrt N",
                kstest(((noisy - repeated) / 0.8).ravel(), "norm", method="asymp").statistic
                * sqrt(noisy.size),
                KOLMOGOROV,
            ),
            at_most("weight decay: slope of the penalised loss", np.abs(slope).max(), 1e-5),
            at_most("sum of the rows' losses away from the loss", gap, 1e-12),
        ),
        sequences(
            "Cross-entropy on new data",
            "none, decay, stopping, augmentation, dropout",
            "cross-entropy",
            {"on new data": list(scores.values())},
        ),
    )


def blurred(rows: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Return rows with normal noise of mean 0 added to every entry."""
    return rows + deviation * rng.normal(size=rows.shape)


def dropped_out(rows: np.ndarray, kept: float, rng: np.random.Generator) -> np.ndarray:
    """Return rows of which each entry is kept with a chance, and divided by it, or else is 0."""
    return rows * (rng.random(rows.shape) < kept) / kept


def _losses(rows: np.ndarray, labels: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the cross-entropy of each row under weights w."""
    z = rows @ w
    return np.logaddexp(0, z) - labels * z


def _departure(changed: np.ndarray, rows: np.ndarray, variance: np.ndarray) -> float:
    """Return how far, in standard errors, changed inputs are from mean `rows` and `variance`."""
    noise = changed - rows
    moments = (noise, noise * np.sign(rows), noise**2 - variance)
    return float(largest_of(abs(v.mean()) / max(standard_error(v.ravel()), 1e-12) for v in moments))
