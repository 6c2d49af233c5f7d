"""Interpolation that overfits, extrapolation that fails, and remedies."""

import numpy as np
from scipy.interpolate import BarycentricInterpolator

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.objectives import logistic_loss
from dlmath.maths.optimisers import minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences
from dlmath.maths.polynomials import monomials
from dlmath.maths.second_order import Lbfgs, Newton, backtrack


def runge(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + 25 x^2)."""
    return 1 / (1 + 25 * x**2)


def equidistant(degree: int) -> np.ndarray:
    """Return degree + 1 equidistant points of [-1, 1]."""
    return np.linspace(-1, 1, degree + 1)


def chebyshev(degree: int) -> np.ndarray:
    """Return degree + 1 Chebyshev points of [-1, 1]."""
    return np.cos((2 * np.arange(degree + 1) + 1) * np.pi / (2 * degree + 2))


@experiment(
    title="Interpolation can overfit: Runge's function",
    statement=(
        "The polynomial through 1/(1 + 25 x^2) at n + 1 equidistant points of [-1, 1] moves "
        "away from it without bound as n grows, though it is exact at the points. At "
        "Chebyshev's points it converges."
    ),
    sources=(
        Source("murari", 325, "the Runge function"),
        Source("murari", 327, "Interpolation can overfit and generalise poorly"),
    ),
    about=("runge", "equidistant", "chebyshev", "compute.error"),
    reference="Runge, 1901; Trefethen, Approximation theory and approximation practice, 2013, 13",
    sabotage=Sabotage("the points are Chebyshev's", {"points": "chebyshev"}),
)
def runge_overfits(*, points: str = "equidistant", highest: int = 30) -> Outcome:
    """`points` is equidistant or chebyshev; degrees run to `highest`."""
    where = choose("points", points, {"equidistant": equidistant, "chebyshev": chebyshev})
    grid = np.linspace(-1, 1, 1001)
    degrees = list(range(2, highest + 1, 2))

    def error(places: np.ndarray, at: np.ndarray) -> float:
        # A generator of its own: SciPy orders the points at random, to stay accurate.
        rng = seeds.generator("barycentric")
        polynomial = BarycentricInterpolator(places, runge(places), rng=rng)
        return float(np.abs(polynomial(at) - runge(at)).max())

    chosen = [error(where(n), grid) for n in degrees]
    good = [error(chebyshev(n), grid) for n in degrees]
    exact = max(error(where(n), where(n)) for n in degrees)
    return Outcome(
        (
            at_most("largest error at the points themselves", exact, 1e-6),
            at_least("error at the highest degree over that at 4", chosen[-1] / chosen[1], 10),
            at_most("the same at Chebyshev's points", good[-1] / good[1], 0.1),
        ),
        curves(
            "Largest error between the points",
            "degree",
            "error",
            {points: (degrees, chosen), "Chebyshev": (degrees, good)},
            log=True,
        ),
    )


@experiment(
    title="Extrapolation is unreliable",
    statement=(
        "A polynomial that is within 1e-2 of Runge's function on [-1, 1] is off by more than 1 "
        "just outside, and by more and more the farther one goes."
    ),
    sources=(
        Source("murari", 331, "behaviour outside $[-1, 1]$ is unreliable"),
        Source("murari", 339, "Performance outside the training regime"),
    ),
    about=("runge", "chebyshev"),
    reference="Trefethen, Approximation theory and approximation practice, 2013, chapter 8",
    sabotage=Sabotage("one looks inside the interval", {"reach": 0.9}),
)
def extrapolation_fails(*, reach: float = 1.5, degree: int = 30) -> Outcome:
    """`reach` is how far from 0 one looks."""
    places = chebyshev(degree)
    polynomial = BarycentricInterpolator(places, runge(places), rng=seeds.generator("barycentric"))
    inside, outside = np.linspace(-1, 1, 801), np.linspace(min(1.0, reach), reach, 50)
    gap = np.abs(polynomial(outside) - runge(outside))
    shown = np.linspace(-1.15, 1.15, 400)
    return Outcome(
        (
            at_most("largest error inside", np.abs(polynomial(inside) - runge(inside)).max(), 1e-2),
            at_least("largest error outside", gap.max(), 1.0),
            at_least("growth of the error with the distance", gap[-1] / max(gap[0], 1e-12), 100),
        ),
        curves(
            "Inside and outside of [-1, 1]",
            "x",
            "y",
            {
                "Runge's function": (shown, runge(shown)),
                "polynomial": (shown, np.clip(polynomial(shown), -1, 2)),
            },
        ),
    )


@experiment(
    title="The student example: a curve through every point predicts worse",
    statement=(
        "Success is linear in hours and absences, up to noise. A polynomial of high degree fits "
        "the few students of the training set better than a line does, and new ones worse; with "
        "many students it does no harm."
    ),
    sources=(
        Source("tsemo", 448, "rate of success of a student is a linear function"),
        Source("tsemo", 450, "high-degree polynomial curve"),
        Source("tsemo", 453, "suggests overfitting"),
        Source("tsemo", 447, "may fail to generalize to unseen data"),
    ),
    about=("monomials", "logistic_loss"),
    reference="Hastie, Tibshirani and Friedman, The elements of statistical learning, 2009, 7.2",
    sabotage=Sabotage("there are students in plenty", {"students": 4000}),
)
def student_example(
    *, students: int = 60, degree: int = 6, noise: float = 0.5, draws: int = 5, seed: int = 0
) -> Outcome:
    """`noise` is the deviation of what decides besides hours and absences."""

    def draw(number: int, key: int | str) -> tuple[np.ndarray, np.ndarray]:
        rng = seeds.generator("students", seed, key)
        rows = rng.uniform(-1, 1, (number, 2))
        return rows, (rows @ [1.5, -1.0] + noise * rng.normal(size=number) > 0).astype(float)

    degrees = (1, 2, 3, 4, degree)
    training, unseen = np.zeros((2, draws, len(degrees)))
    new, truth = draw(4000, "new")
    for number in range(draws):
        rows, labels = draw(students, number)
        for place, power in enumerate(degrees):
            features = monomials(rows, power)
            # A trace of a penalty gives separable data a minimum too.
            loss = logistic_loss(features, labels, l2=1e-6)
            w = minimise(loss, np.zeros(features.shape[1]), Newton(backtrack), 60, tolerance=1e-8)
            for found, at, said in (
                (training, features, labels),
                (unseen, monomials(new, power), truth),
            ):
                found[number, place] = np.mean((at @ w.points[-1] > 0) == said)
    fitted, predicted = training.mean(axis=0), unseen.mean(axis=0)
    return Outcome(
        (
            at_least(
                f"training accuracy of degree {degree} less that of a line",
                fitted[-1] - fitted[0],
                0.05,
            ),
            at_most("the same on new students", predicted[-1] - predicted[0], -0.03),
        ),
        curves(
            "Accuracy by degree",
            "degree",
            "accuracy",
            {"training": (degrees, fitted), "new students": (degrees, predicted)},
        ),
    )


REMEDIES = ("weight decay", "early stopping", "augmentation", "dropout")


@experiment(
    title="Remedies against overfitting, measured",
    statement=(
        "On a small noisy set whose labels depend on 2 of 40 features, weight decay, early "
        "stopping, added noise on the inputs (augmentation) and dropout of inputs each lower "
        "the cross-entropy on new data, against the same softmax regression fitted to the end."
    ),
    sources=(
        Source("murari", 344, "weight decay"),
        Source("murari", 343, "augmentation or synthetic data"),
        Source("tsemo", 455, "regularization term can be added"),
        Source("tsemo", 460, "Dropout is a regularization technique"),
        Source("foundations", 65, "Regularization Terms"),
    ),
    about=("compute.repeated", "compute.noisy", "compute.dropped", "logistic_loss", "Lbfgs.step"),
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
    copies = max(1, 2000 // rows)
    repeated, labels = np.tile(x, (copies, 1)), np.tile(y, copies)
    noisy = repeated + 0.8 * rng.normal(size=repeated.shape)
    dropped = repeated * (rng.random(repeated.shape) < 0.5) * 2
    start = np.zeros(40)
    fits = {
        "none": minimise(logistic_loss(x, y, 1e-7), start, Lbfgs(), 200, tolerance=1e-6),
        "weight decay": minimise(logistic_loss(x, y, 0.1), start, Lbfgs(), 200, tolerance=1e-6),
        "early stopping": minimise(logistic_loss(x, y), start, Lbfgs(), 2),
        "augmentation": minimise(logistic_loss(noisy, labels), start, Lbfgs(), 200, tolerance=1e-6),
        "dropout": minimise(logistic_loss(dropped, labels), start, Lbfgs(), 200, tolerance=1e-6),
    }
    test = logistic_loss(new, said)
    losses = {name: test.value(trace.points[-1]) for name, trace in fits.items()}
    return Outcome(
        tuple(
            at_most(
                f"{name}: cross-entropy on new data over that without",
                losses[name] / losses["none"],
                0.9,
            )
            for name in REMEDIES
        ),
        sequences(
            "Cross-entropy on new data",
            "none, decay, stopping, augmentation, dropout",
            "cross-entropy",
            {"on new data": list(losses.values())},
        ),
    )
