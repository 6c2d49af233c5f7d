"""RMSProp, Adam and stochastic gradients: what scaling, bias correction and batches do."""

import numpy as np

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.objectives import Objective, quadratic
from dlmath.maths.optimisers import Adam, GradientDescent, RmsProp, minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences
from dlmath.maths.schedules import constant, inverse_time


@experiment(
    title="RMSProp does not see the scale of the gradient",
    statement=(
        "RMSProp divides each entry of the gradient by the root of its mean square, so the "
        "steps stay the same when the function is multiplied by a constant, large or small, as "
        "long as epsilon is small against the gradients; gradient descent's steps grow with it."
    ),
    sources=(
        Source("tsemo", 123, "the corresponding learning rates shrink"),
        Source("tsemo", 118, "exponential moving average of the squared gradients"),
        Source("foundations", 51, "Adjusts step sizes for different parameters"),
    ),
    about=("RmsProp.step",),
    reference="Hinton, Neural networks for machine learning, lecture 6e, 2012",
    sabotage=Sabotage("epsilon is not small against the gradients", {"epsilon": 1.0}),
)
def rmsprop_is_scale_free(
    *, factor: float = 1e4, epsilon: float = 1e-9, rate: float = 0.01, steps: int = 300
) -> Outcome:
    """`factor` multiplies the function."""
    plain = quadratic(np.array([1.0, 30.0]))
    scaled = quadratic(factor * np.array([1.0, 30.0]))
    start = np.array([1.0, -0.7])
    way = RmsProp(rate, epsilon=epsilon)
    one, other = (minimise(f, start, way, steps).points for f in (plain, scaled))
    descent = [minimise(f, start, GradientDescent(rate), 1).points for f in (plain, scaled)]
    growth = np.linalg.norm(np.diff(descent[1], axis=0)) / np.linalg.norm(
        np.diff(descent[0], axis=0)
    )
    return Outcome(
        (
            at_most("largest distance between the two paths", np.abs(one - other).max(), 1e-6),
            at_most(
                "growth of a step of gradient descent, relative to the factor",
                abs(growth / factor - 1),
                1e-9,
            ),
        ),
        sequences(
            "First coordinate under RMSProp",
            "step",
            "coordinate",
            {
                "the function": one[:, 0],
                f"{factor:g} times it": other[:, 0],
            },
        ),
    )


@experiment(
    title="Adam's first steps have the length of its rate",
    statement=(
        "With bias correction, the first step of Adam is rate * sign(g), whatever the gradient "
        "g. Without it, the first step is (1 - b1) / sqrt(1 - b2) times that, 3.2 times at the "
        "usual decay rates, and the next ones are longer still."
    ),
    sources=(
        Source("tsemo", 128, "Bias correction"),
        Source("tsemo", 125, "combines ideas from momentum and RMSProp"),
        Source("foundations", 48, "Adam Optimizer"),
    ),
    about=("Adam.step",),
    reference="Kingma and Ba, Adam, arXiv:1412.6980, section 3",
    sabotage=Sabotage("without bias correction", {"bias_correction": False}),
)
def adam_bias_correction(
    *, bias_correction: bool = True, rate: float = 0.01, steps: int = 60, seed: int = 0
) -> Outcome:
    """A gradient that stays the same shows what only the correction does."""
    gradient = seeds.generator("adam", seed).normal(size=5) * 10.0 ** np.arange(1, 6)
    linear = Objective(lambda x: float(gradient @ x), lambda x: gradient)

    def lengths(correct: bool) -> np.ndarray:
        way = Adam(rate, bias_correction=correct)
        path = minimise(linear, np.zeros(5), way, steps).points
        return np.abs(np.diff(path, axis=0)) / rate  # (steps, 5)

    taken, printed = lengths(bias_correction), lengths(False)
    expected = (1 - 0.9) / np.sqrt(1 - 0.999)
    return Outcome(
        (
            at_most("first step over the rate, away from 1", np.abs(taken[0] - 1).max(), 1e-5),
            at_most("longest step over the rate", taken.max(), 1 + 1e-5),
            at_most(
                "first uncorrected step, away from (1 - b1)/sqrt(1 - b2)",
                np.abs(printed[0] - expected).max(),
                1e-4,
            ),
        ),
        curves(
            "Length of the steps under a constant gradient",
            "step",
            "length / rate",
            {
                "as it was run": (np.arange(1, steps + 1), taken[:, 2]),
                "without correction": (np.arange(1, steps + 1), printed[:, 2]),
            },
        ),
    )


def _rows(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = seeds.generator("rows", seed)
    features = rng.normal(size=(rows, 3))
    targets = features @ np.array([1.0, -2.0, 0.5]) + rng.normal(size=rows)
    order = np.argsort(targets)  # as a folder of classes lies on a disk: sorted
    return features[order], targets[order]


@experiment(
    title="A batch's gradient is unbiased, and its variance falls as 1/B",
    statement=(
        "The mean gradient of B rows drawn without replacement from N has the gradient of all "
        "rows as its expectation, and the variance s^2 (N - B) / (B (N - 1)) with s^2 that of "
        "one row."
    ),
    sources=(
        Source("tsemo", 468, "Splitting the dataset into batches"),
        Source("foundations", 46, "Stochastic Gradient Descent (SGD)"),
        Source("foundations", 180, "Batch Size Effects"),
    ),
    about=("compute.each", "compute.picked", "compute.gradients"),
    reference="Cochran, Sampling techniques, 1977, theorem 2.2 (finite population correction)",
    sabotage=Sabotage("batches are taken in the order of the file", {"shuffled": False}),
)
def batch_gradient(
    *, shuffled: bool = True, rows: int = 240, draws: int = 6000, seed: int = 0
) -> Outcome:
    """Batches of 1 to 120 of `rows` rows, each size drawn `draws` times."""
    features, targets = _rows(seed, rows)
    each = features * (features @ np.zeros(3) - targets)[:, np.newaxis]  # (N, 3)
    whole = each.mean(axis=0)
    spread = ((each - whole) ** 2).sum() / rows
    rng = seeds.generator("batches", seed)
    sizes = [1, 4, 12, 40, 120]
    found, bounds, bias = [], [], []
    for size in sizes:
        scores = rng.random((draws, rows)) if shuffled else np.tile(np.arange(rows), (draws, 1))
        picked = np.argpartition(scores, size - 1, axis=1)[:, :size]
        gradients = each[picked].mean(axis=1)  # (draws, 3)
        found.append(float(((gradients - whole) ** 2).sum(axis=1).mean()))
        bounds.append(spread * (rows - size) / (size * (rows - 1)))
        bias.append(np.linalg.norm(gradients.mean(axis=0) - whole) / np.sqrt(bounds[-1] / draws))
    errors = np.abs(np.array(found) / bounds - 1)
    return Outcome(
        (
            at_most("largest bias, in standard errors", max(bias), 4.0),
            at_most("largest relative error of the variance", errors.max(), 0.1),
        ),
        curves(
            "Variance of a batch's gradient",
            "log10 of batch size",
            "variance",
            {"drawn": (np.log10(sizes), found), "formula": (np.log10(sizes), bounds)},
            log=True,
        ),
    )


@experiment(
    title="Stochastic gradient descent needs a falling rate",
    statement=(
        "At a constant rate the distance of stochastic gradient descent to the minimum levels "
        "off at a height that is proportional to the rate; with rates whose sum diverges and "
        "whose squares converge (Robbins and Monro) it goes on falling."
    ),
    sources=(Source("foundations", 180, "Convergence analysis guides rate decay"),),
    about=("compute.point", "inverse_time"),
    reference="Robbins and Monro, A stochastic approximation method, 1951",
    sabotage=Sabotage("the rate falls so fast that its sum converges", {"power": 3.0}),
)
def falling_rate(
    *, power: float = 1.0, rate: float = 0.1, steps: int = 8000, batch: int = 4, seed: int = 0
) -> Outcome:
    """`power` is that of the falling rate: rate / (1 + step / 20)^power."""
    features, targets = _rows(seed, 400)
    best = np.linalg.lstsq(features, targets, rcond=None)[0]
    falls = inverse_time(1.0, 20.0)
    schedules = {
        f"rate {rate:g}": constant(rate),
        f"rate {rate / 4:g}": constant(rate / 4),
        "falling": lambda step: rate * falls(step) ** power,
    }
    floors, lines = [], {}
    for name, schedule in schedules.items():
        rng = seeds.generator("falling", seed)
        picks = rng.integers(0, 400, (steps, batch))
        point, distance = best + 3.0, []
        for number, picked in enumerate(picks):
            seen = features[picked]
            point = point - schedule(number) * seen.T @ (seen @ point - targets[picked]) / batch
            distance.append(float(((point - best) ** 2).sum()))
        floors.append(float(np.mean(distance[-steps // 4 :])))
        every = np.arange(0, steps, 100)
        lines[name] = (every, np.array(distance)[every])
    return Outcome(
        (
            at_least(
                "floor at the larger rate over that at a quarter of it", floors[0] / floors[1], 2.0
            ),
            at_most("the same ratio", floors[0] / floors[1], 8.0),
            at_most(
                "distance with the falling rate over the lower floor", floors[2] / floors[1], 0.5
            ),
        ),
        curves("Squared distance to the minimum", "step", "squared distance", lines, log=True),
    )
