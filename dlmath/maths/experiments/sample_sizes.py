"""How much data a fit needs: as many as coefficients to pass through all, many more to be right."""

import numpy as np
from scipy.stats import norm

from dlmath import seeds
from dlmath.maths.chance import RARE, mean_range, outside
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.perceptron import embed
from dlmath.maths.plots import curves
from dlmath.maths.polynomials import monomials


def excess(
    rng: np.random.Generator, rows: int, truth: np.ndarray, missing: int, noise: float
) -> float:
    """Return the expected squared error of a least squares fit on new rows, less the noise.

    The features are independent and of variance 1, so it is the squared distance to the truth.

    Args:
        rng: Of the draws.
        rows: N.
        truth: (p + missing,) coefficients.
        missing: How many features, the last ones, are not fitted.
        noise: s.
    """
    x = rng.normal(size=(rows, len(truth)))
    y = x @ truth + rng.normal(0.0, noise, rows)
    fitted = len(truth) - missing
    found = np.zeros(len(truth))
    found[:fitted] = np.linalg.lstsq(x[:, :fitted], y, rcond=None)[0]
    return float(np.sum((found - truth) ** 2))


@experiment(
    title="The data needed are in proportion to the coefficients",
    statement=(
        "Least squares with p features of normal law and N > p + 1 examples has the expected "
        "excess error s^2 p / (N - p - 1) over that of the truth, s^2 the variance of the noise: "
        "it falls with N, and for an excess of e s^2 exactly N = p + 1 + p / e examples are "
        "needed. The polynomials of degree 1, 2 and 3 in five dimensions have 6, 21 and 56 "
        "coefficients: the lowest degree needs a ninth of the data of the highest, if it has the "
        "truth in it. If one feature of the truth is left out, no number of examples is enough."
    ),
    sources=(Source("tsemo", 36, "the more data one has"),),
    about=("excess",),
    reference="Breiman and Freedman, How many variables should be entered in a regression "
    "equation?, 1983",
    sabotage=Sabotage("a feature of the truth is left out", {"missing": 1}),
)
def data_by_coefficients(
    *, missing: int = 0, noise: float = 0.5, draws: int = 150, seed: int = 0
) -> Outcome:
    """`missing` features of the truth, of coefficient 1, are not fitted; `noise` is s."""
    counts, levels = np.array([6, 21, 56]), np.array([1.0, 0.5, 0.2])
    found = np.zeros((len(counts), len(levels), draws))
    sizes = np.array([[round(p + 1 + p / level) for level in levels] for p in counts])
    for place in np.ndindex(sizes.shape):
        rng = seeds.generator("sample size", seed, *place)
        truth = np.ones(counts[place[0]] + missing)
        found[place] = [excess(rng, int(sizes[place]), truth, missing, noise) for _ in range(draws)]
    expected = noise**2 * counts[:, np.newaxis] / (sizes - counts[:, np.newaxis] - 1)
    means, draws_first = found.mean(axis=2), np.moveaxis(found, 2, 0)
    low, high = mean_range(draws_first)
    return Outcome(
        (
            at_most(
                "s^2 p / (N - p - 1) outside of the mean excess's interval",
                outside(draws_first, expected),
                0,
            ),
            at_most("relative width of the widest interval", ((high - low) / expected).max(), 1.5),
            at_most(
                "fall of the excess with N, largest ratio", (means[:, 1:] / means[:, :-1]).max(), 1
            ),
            at_most(
                "data for an excess of s^2 / 5: degree 1 over degree 3",
                sizes[0, 2] / sizes[2, 2],
                1 / 9,
            ),
        ),
        curves(
            "Excess error over the variance of the noise",
            "log10 of N",
            "excess",
            {
                f"{p} coefficients": (np.log10(n), m / noise**2)
                for p, n, m in zip(counts, sizes, means, strict=True)
            },
            log=True,
        ),
    )


@experiment(
    title="A curve through every student",
    statement=(
        "Polynomials of degree 6 in hours and absences have 28 coefficients, so one of them "
        "passes through the labels of any 28 students in general position, wrong ones too, and "
        "through those of 29 none does. On new students it is right less often than the line "
        "fitted to the same 28; the line comes near to the best that is possible with that "
        "noise, and neither is better."
    ),
    sources=(
        Source("tsemo", 450, "passes through all the data points"),
        Source("tsemo", 447, "may fail to generalize"),
        Source("tsemo", 448, "rate of success of a student is a linear function"),
    ),
    about=("polynomials.monomials",),
    reference="Hastie, Tibshirani and Friedman, The elements of statistical learning, 2009, 2.9",
    sabotage=Sabotage("there are more students than coefficients", {"students": 29}),
)
def curve_through_every_student(
    *, students: int = 28, noise: float = 0.5, draws: int = 40, seed: int = 0
) -> Outcome:
    """`noise` is the deviation of what decides success next to hours and absences."""

    def draw(number: int, key: int) -> tuple[np.ndarray, np.ndarray]:
        rng = seeds.generator("every student", seed, number, key)
        rows = rng.uniform(-1, 1, (number, 2))
        return rows, np.where(rows @ SUCCESS + noise * rng.normal(size=number) > 0, 1.0, -1.0)

    misses, right = np.zeros(draws), np.zeros((2, draws))
    for number in range(draws):
        rows, labels = draw(students, number)
        new, truth = draw(2000, number)
        curve = np.linalg.lstsq(monomials(rows, 6), labels, rcond=None)[0]
        line = np.linalg.lstsq(embed(rows), labels, rcond=None)[0]
        misses[number] = np.abs(monomials(rows, 6) @ curve - labels).max()
        right[:, number] = [
            np.mean(said * truth > 0) for said in (monomials(new, 6) @ curve, embed(new) @ line)
        ]
    gains = right[1] - right[0]
    best = best_accuracy(noise)
    # Of `draws` times 2000 students the share that is right varies by at most that.
    luck = norm.isf(RARE) * 0.5 / np.sqrt(2000 * draws)
    return Outcome(
        (
            at_most("curve: largest miss at a student", misses.max(), 1e-4),
            at_least(
                "line's accuracy on new students less the curve's, low end of the mean",
                float(mean_range(gains)[0]),
                0,
            ),
            at_most(
                "accuracy of both over the best possible", right.mean(axis=1).max(), best + luck
            ),
            at_least("accuracy of the line over the best possible", right[1].mean(), best - 0.05),
        ),
        curves(
            "Accuracy on new students, draw by draw",
            "draw",
            "accuracy",
            {
                "line": (np.arange(draws), right[1]),
                "curve": (np.arange(draws), right[0]),
                "best possible": (np.arange(draws), np.full(draws, best)),
            },
        ),
    )


SUCCESS = np.array([1.5, -1.0])  # of hours and of absences


def best_accuracy(noise: float) -> float:
    """Return the accuracy of the true line, by the midpoint rule over hours and absences."""
    middles = (np.arange(400) + 0.5) / 200 - 1
    scores = SUCCESS[0] * middles[:, np.newaxis] + SUCCESS[1] * middles
    return float(norm.cdf(np.abs(scores) / noise).mean())
