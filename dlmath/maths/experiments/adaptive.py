"""RMSProp, Adam and stochastic gradients: what scaling, bias correction and batches do."""

import numpy as np

from dlmath import seeds
from dlmath.maths.chance import outside
from dlmath.maths.differences import derivative_error
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.objectives import Objective, least_squares, quadratic
from dlmath.maths.optimisers import Adam, GradientDescent, RmsProp, minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences
from dlmath.maths.schedules import Schedule, constant, inverse_time

EPSILON = 1e-8  # of Adam, against gradients above 1e-3


def running(gradients: np.ndarray, decay: float) -> np.ndarray:
    """Return (1 - decay) sum_i decay^(t - i) g_i for each t, from gradients (T, d) as a whole."""
    t = np.arange(len(gradients))
    ages = t[:, np.newaxis] - t
    weights = np.where(ages >= 0, decay ** np.maximum(ages, 0.0), 0.0)
    return (1 - decay) * weights @ gradients


@experiment(
    title="RMSProp does not see the scale of the gradient",
    statement=(
        "RMSProp divides each entry of the gradient by the root of its mean square, with weights "
        "(1 - decay) decay^age. So the first step is rate / sqrt(1 - decay) long in each entry, "
        "against the gradient's sign, no later one is longer, and the steps stay the same when "
        "the function is multiplied by a constant, large or small, as long as epsilon is small "
        "against the gradients; gradient descent's steps grow with it."
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
    *,
    factor: float = 1e4,
    epsilon: float = 1e-15,
    rate: float = 0.01,
    decay: float = 0.9,
    steps: int = 300,
) -> Outcome:
    """`factor` multiplies the function."""
    curvatures, start = np.array([1.0, 30.0]), np.array([1.0, -0.7])
    plain, scaled = quadratic(curvatures), quadratic(factor * curvatures)
    way = RmsProp(rate, decay, epsilon)
    one, other = (minimise(f, start, way, steps).points for f in (plain, scaled))
    gradients = one[:-1] * curvatures
    moves = np.diff(one, axis=0)
    expected = -rate * gradients / np.sqrt(running(gradients**2, decay))
    longest = rate / np.sqrt(1 - decay)
    # An epsilon as large as the gradients, so that it is seen.
    damped = minimise(plain, start, RmsProp(rate, decay, 1.0), steps).points
    slopes = damped[:-1] * curvatures
    shorter = -rate * slopes / (np.sqrt(running(slopes**2, decay)) + 1)
    descent = [minimise(f, start, GradientDescent(rate), 1).points for f in (plain, scaled)]
    first, grown = (np.linalg.norm(path[1] - path[0]) for path in descent)
    return Outcome(
        (
            at_most("largest distance between the two paths", np.abs(one - other).max(), 1e-6),
            at_most(
                "first step away from -sign(g) rate / sqrt(1 - decay), over rate",
                np.abs(moves[0] + np.sign(start) * longest).max() / rate,
                1e-6,
            ),
            at_most("longest step over the first", np.abs(moves).max() / longest, 1 + 1e-9),
            at_most(
                "steps away from those of the weighted sum, over rate",
                np.abs(moves - expected).max() / rate,
                1e-6,
            ),
            at_most(
                "the same at epsilon = 1",
                np.abs(np.diff(damped, axis=0) - shorter).max() / rate,
                1e-9,
            ),
            at_most(
                "growth of a step of gradient descent, relative to the factor",
                abs(grown / first / factor - 1),
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
        "With bias correction, the steps of Adam under a constant gradient g are -rate * "
        "sign(g), whatever g. Without it, step t is (1 - b1^t) / sqrt(1 - b2^t) times that, 3.2 "
        "times at first, at the usual decay rates, and more later. Where the sign of the gradient "
        "alternates, the mean of the gradients takes the steps down to (1 - b1)/(1 + b1) of the "
        "rate, as momentum does; without it they would keep their length."
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
    *,
    bias_correction: bool = True,
    beta1: float = 0.9,
    beta2: float = 0.999,
    rate: float = 0.01,
    steps: int = 60,
    seed: int = 0,
) -> Outcome:
    """Gradients that stay, alternate, or are those of a bowl show what each mean does."""
    rng = seeds.generator("adam", seed)
    gradient = rng.normal(size=5) * 10.0 ** np.arange(1, 6)
    linear, against = _linear(gradient), _linear(-gradient)
    corrected, printed = (
        Adam(rate, beta1, beta2, EPSILON, bias_correction=on) for on in (bias_correction, False)
    )

    def shares(way: Adam, second: Objective) -> np.ndarray:
        """Return the steps over -rate sign(g), where every other gradient is that of `second`."""
        path = minimise(
            linear, np.zeros(5), way, steps, batches=lambda number: (linear, second)[number % 2]
        ).points
        return -np.diff(path, axis=0) * np.sign(gradient) / rate

    t = np.arange(1, steps + 1)[:, np.newaxis]
    uncorrected = (1 - beta1**t) / np.sqrt(1 - beta2**t)
    turning = -((-1.0) ** t) * (1 - beta1) / (1 + beta1) * (1 - (-beta1) ** t) / (1 - beta1**t)
    taken, bare = shares(corrected, linear), shares(printed, linear)
    start, curvatures = rng.normal(size=5), 10.0 ** np.arange(-2, 3)
    path = minimise(quadratic(curvatures), start, corrected, steps).points
    slopes = path[:-1] * curvatures
    mean, square = running(slopes, beta1), running(slopes**2, beta2)
    moves = -rate * mean / (1 - beta1**t) / (np.sqrt(square / (1 - beta2**t)) + EPSILON)
    return Outcome(
        (
            at_most("first step over the rate, away from 1", np.abs(taken[0] - 1).max(), 1e-5),
            at_most("any step over the rate, away from 1", np.abs(taken - 1).max(), 1e-5),
            at_most(
                "uncorrected steps, away from (1 - b1^t)/sqrt(1 - b2^t)",
                np.abs(bare - uncorrected).max(),
                1e-4,
            ),
            at_most(
                "steps where signs alternate, away from (1 - b1)/(1 + b1) in the limit",
                np.abs(shares(corrected, against) - turning).max(),
                1e-5,
            ),
            at_most(
                "steps in a bowl away from those of the weighted sums, over rate",
                np.abs(np.diff(path, axis=0) - moves).max() / rate,
                1e-9,
            ),
        ),
        curves(
            "Length of the steps under a constant gradient",
            "step",
            "length / rate",
            {
                "as it was run": (np.arange(1, steps + 1), taken[:, 2]),
                "without correction": (np.arange(1, steps + 1), bare[:, 2]),
            },
        ),
    )


def _linear(gradient: np.ndarray) -> Objective:
    return Objective(lambda x: float(gradient @ x), lambda x: gradient)


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
    about=("least_squares", "compute.each", "compute.picked", "compute.gradients"),
    reference="Cochran, Sampling techniques, 1977, theorem 2.2 (finite population correction)",
    sabotage=Sabotage("batches are taken in the order of the file", {"shuffled": False}),
)
def batch_gradient(
    *, shuffled: bool = True, rows: int = 240, draws: int = 6000, seed: int = 0
) -> Outcome:
    """Batches of 1 to half of `rows` rows, each size drawn `draws` times."""
    features, targets = _rows(seed, rows)
    rng = seeds.generator("batches", seed)
    at = rng.normal(size=3)
    loss = least_squares(features, targets)
    whole = loss.gradient(at)
    each = np.array(
        [
            least_squares(x[np.newaxis], np.array([y])).gradient(at)
            for x, y in zip(features, targets, strict=True)
        ]
    )  # (N, 3)
    spread = ((each - whole) ** 2).sum() / rows
    sizes = np.unique(np.geomspace(1, rows // 2, 5).astype(int))
    found, bounds, off, bias = [], [], [], []
    for size in sizes:
        scores = rng.random((draws, rows)) if shuffled else np.tile(np.arange(rows), (draws, 1))
        picked = np.argpartition(scores, size - 1, axis=1)[:, :size]
        gradients = each[picked].mean(axis=1)  # (draws, 3)
        squares = ((gradients - whole) ** 2).sum(axis=1)
        found.append(float(squares.mean()))
        bounds.append(spread * (rows - size) / (size * (rows - 1)))
        off.append(outside(squares, bounds[-1]))
        bias.append(outside(gradients, whole))
    return Outcome(
        (
            at_most("bias beyond what chance allows, in standard errors", bias, 0),
            at_most("variance off its formula beyond chance, in standard errors", off, 0),
            at_most(
                "mean of the rows' gradients away from that of all rows",
                np.abs(each.mean(axis=0) - whole).max(),
                1e-12,
            ),
            at_most(
                "least squares: derivatives away from differences",
                derivative_error(loss, at),
                1e-7,
            ),
            at_most(
                "least squares at 0 away from half of the targets' mean square",
                abs(loss.value(np.zeros(3)) - np.mean(targets**2) / 2),
                1e-12,
            ),
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
        "The mean squared distance of stochastic gradient descent on least squares to the minimum "
        "obeys an exact linear recursion. At a constant rate it levels off at a height that is "
        "proportional to small rates; with rates whose sum diverges and whose squares converge "
        "(Robbins and Monro) it goes on falling."
    ),
    sources=(Source("foundations", 180, "Convergence analysis guides rate decay"),),
    about=("wandered", "inverse_time"),
    reference="Robbins and Monro, A stochastic approximation method, 1951",
    sabotage=Sabotage("the rate falls so fast that its sum converges", {"power": 3.0}),
)
def falling_rate(
    *, power: float = 1.0, rate: float = 0.1, steps: int = 3000, batch: int = 4, seed: int = 0
) -> Outcome:
    """`power` is that of the falling rate, rate / (1 + step / 20)^power; 64 runs are averaged."""
    features, targets = _rows(seed, 400)
    best = np.linalg.lstsq(features, targets, rcond=None)[0]
    noise = targets - features @ best
    falls = inverse_time(1.0, 20.0)
    schedules: dict[str, Schedule] = {
        f"rate {rate:g}": constant(rate),
        f"rate {rate / 4:g}": constant(rate / 4),
        "falling": lambda step: rate * falls(step) ** power,
    }
    start = np.full(3, 3.0)
    off, floors, lines, early = [], [], {}, []
    every = np.arange(0, steps, max(steps // 80, 1))
    for name, schedule in schedules.items():
        rng = seeds.generator("falling", seed, name)
        rates = np.array([schedule(number) for number in range(steps)])
        found = wandered(features, noise, start, rates, rng.integers(0, 400, (steps, 64, batch)))
        theory = expected_squares(features, noise, start, rates, batch)
        late = slice(steps - steps // 4, None)
        off.append(outside(found[late].mean(axis=0), float(theory[late].mean())))
        floors.append(float(found[late].mean()))
        early.append(float(theory[steps // 4] / theory[-1]))
        lines[name] = (every, found.mean(axis=1)[every])
    return Outcome(
        (
            at_most(
                "mean over 64 runs off the recursion beyond chance, in standard errors", off, 0
            ),
            # Proportional to r (1 + c r): so above 4, and near it at small rates.
            at_least(
                "floor at the larger rate over that at a quarter of it", floors[0] / floors[1], 3.0
            ),
            at_most("the same ratio", floors[0] / floors[1], 6.0),
            at_most(
                "distance with the falling rate over the lower floor", floors[2] / floors[1], 0.5
            ),
            # E |w - w*|^2 falls like the rate: at least by 4^(1/2) in four times the steps, nearly.
            at_least("its expected fall over the last three quarters", early[2], 1.8),
        ),
        curves("Squared distance to the minimum", "step", "squared distance", lines, log=True),
    )


def wandered(
    features: np.ndarray, noise: np.ndarray, start: np.ndarray, rates: np.ndarray, picks: np.ndarray
) -> np.ndarray:
    """Return |w - w*|^2 after each step (T, K), of K runs of stochastic gradient descent.

    Args:
        features: (N, d).
        noise: (N,), the targets less X w*.
        start: (d,), w - w* before the first step.
        rates: (T,).
        picks: (T, K, B), the rows that make the batch of a step.
    """
    error = np.tile(start, (picks.shape[1], 1))
    found = []
    for rate, picked in zip(rates, picks, strict=True):
        seen = features[picked]  # (K, B, d)
        residuals = np.einsum("kbd,kd->kb", seen, error) - noise[picked]
        error = error - rate * np.einsum("kbd,kb->kd", seen, residuals) / picked.shape[1]
        found.append((error**2).sum(axis=1))
    return np.array(found)


def expected_squares(
    features: np.ndarray, noise: np.ndarray, start: np.ndarray, rates: np.ndarray, batch: int
) -> np.ndarray:
    """Return E |w - w*|^2 after each step, (T,), for batches of rows drawn with replacement.

    With e = w - w*, H the mean of x x^T, and E over a batch of B independent rows, e becomes e - r
    (H_B e - s_B), s_B being the mean of the noise times x, so that E s_B = 0 and

        E e e^T -> M - r (H M + M H) + r^2 (H M H (1 - 1/B) + E[(x^T M x) x x^T] / B + S / B),

    with S = E[(n^2 - 2 n x^T e) x x^T]; the mean of e goes to (1 - r H) e.
    """
    d, rows = len(start), len(features)
    squares = np.einsum("nd,ne->nde", features, features).reshape(rows, d * d)
    hessian = features.T @ features / rows
    fourth = squares.T @ squares / rows
    third = 2 * (squares * noise[:, np.newaxis]).T @ features / rows
    sown = squares.T @ noise**2 / rows
    mean, moment, found = start, np.outer(start, start), []
    for rate in rates:
        drawn = (fourth @ moment.ravel() + sown - third @ mean).reshape(d, d) / batch
        both = hessian @ moment
        inner = both @ hessian * (1 - 1 / batch) + drawn
        moment = moment - rate * (both + both.T) + rate**2 * inner
        mean = mean - rate * hessian @ mean
        found.append(float(np.trace(moment)))
    return np.array(found)
