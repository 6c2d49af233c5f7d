"""Exercises of the notebook on optimisation."""

from dlmath.maths.exercises.exercise import compared, exercise


@exercise(
    judge=compared((1.0, 9.0), (0.5, 40.0), (3.0, 3.0)),
    insight="At 2/(mu + L) both ends of the spectrum shrink by the same factor.",
    mistakes={
        "the bound of stability": lambda mu, smoothness: 2 / smoothness,
        "the rate that is safe": lambda mu, smoothness: 1 / smoothness,
        "the inverse of the mean, halved": lambda mu, smoothness: 1 / (mu + smoothness),
    },
)
def best_rate(mu: float, smoothness: float) -> float:
    """Return the rate with the least worst-case factor, max |1 - rate x| over x in [mu, L]."""
    return 2 / (mu + smoothness)
