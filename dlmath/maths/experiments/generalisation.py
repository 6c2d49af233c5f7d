"""Statistics: bias and variance, ensembles, bounds, double descent, Mixup."""

from math import sqrt

import numpy as np
from numpy.polynomial.legendre import legvander
from scipy.special import expit, roots_jacobi

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.experiment import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def fitted(rng: np.random.Generator, degree: int, rows: int, noise: float) -> tuple:
    """Return training inputs, targets and Legendre coefficients of a least squares fit."""
    x = rng.uniform(-1, 1, rows)
    y = np.sin(3 * x) + noise * rng.normal(size=rows)
    return x, y, np.linalg.lstsq(legvander(x, degree), y, rcond=None)[0]


@experiment(
    title="Expected error is bias squared, variance and noise",
    statement=(
        "At a point that was not trained on, the expected squared error of an estimator is the "
        "square of its bias, plus its variance over training sets, plus the variance of the "
        "noise. On the training targets themselves it is less."
    ),
    sources=(
        Source("foundations", 87, "Expected Error = Bias² + Variance + Noise"),
        Source("foundations", 92, "regularization reduces variance"),
    ),
    reference="Hastie, Tibshirani and Friedman, The elements of statistical learning, 2009, 7.3",
    sabotage=Sabotage("the error is taken on the training set", {"fresh": False}),
)
def bias_variance_noise(
    *, fresh: bool = True, rows: int = 40, noise: float = 0.3, draws: int = 600, seed: int = 0
) -> Outcome:
    """`fresh` takes new points and targets for the error; polynomials of degree 1 to 6."""
    degrees = np.arange(1, 7)
    errors, sums, standard = [], [], []
    grid = np.linspace(-0.95, 0.95, 40)
    for degree in degrees:
        rng = seeds.generator("bias and variance", seed, int(degree))
        guesses, losses = [], []
        for _ in range(draws):
            x, y, weights = fitted(rng, int(degree), rows, noise)
            guesses.append(legvander(grid, int(degree)) @ weights)
            new = np.sin(3 * grid) + noise * rng.normal(size=40)
            at, said = (guesses[-1], new) if fresh else (legvander(x, int(degree)) @ weights, y)
            losses.append(np.mean((at - said) ** 2))
        guess = np.array(guesses)
        bias = np.mean((guess.mean(axis=0) - np.sin(3 * grid)) ** 2)
        sums.append(bias + guess.var(axis=0).mean() + noise**2)
        errors.append(np.mean(losses))
        standard.append(np.std(losses) / sqrt(draws))
    gap = np.abs(np.array(errors) - sums)
    return Outcome(
        (
            at_most(
                "largest gap between both sides, in standard errors", (gap / standard).max(), 4.0
            ),
        ),
        curves(
            "Error by degree",
            "degree",
            "error",
            {"measured": (degrees, errors), "sum of the parts": (degrees, sums)},
            log=True,
        ),
    )


@experiment(
    title="Ensembles reduce variance",
    statement=(
        "The mean of m estimators from independent training sets has 1/m of the variance of "
        "one, and the same bias. Estimators from one and the same set have nothing to average."
    ),
    sources=(Source("foundations", 93, "Why ensemble methods work by reducing variance"),),
    reference="Breiman, Bagging predictors, 1996, section 4.1",
    sabotage=Sabotage("all members see the same training set", {"independent": False}),
)
def ensembles_reduce_variance(
    *, independent: bool = True, rows: int = 40, draws: int = 200, seed: int = 0
) -> Outcome:
    """`independent` gives each member a training set of its own."""
    sizes = np.array([1, 2, 4, 8, 16])
    grid = legvander(np.linspace(-0.9, 0.9, 30), 4)
    rng = seeds.generator("ensembles", seed)
    guesses = np.array(
        [[grid @ fitted(rng, 4, rows, 0.3)[2] for _ in range(sizes[-1])] for _ in range(draws)]
    )  # (draws, members, 30)
    if not independent:
        guesses[:] = guesses[:, :1]
    variances = np.array([guesses[:, :m].mean(axis=1).var(axis=0).mean() for m in sizes])
    ratio = variances * sizes / variances[0]
    return Outcome(
        (at_most("largest relative error of variance / m", np.abs(ratio - 1).max(), 0.25),),
        curves(
            "Variance by the number of members",
            "log2 of members",
            "variance",
            {
                "measured": (np.log2(sizes), variances),
                "1/m": (np.log2(sizes), variances[0] / sizes),
            },
            log=True,
        ),
    )


@experiment(
    title="Hoeffding's bound for a finite class",
    statement=(
        "For |H| classifiers fixed in advance and N independent examples, the chance that some "
        "training error is more than e away from its true error is at most 2 |H| exp(-2 N e^2). "
        "It holds, and is loose; with dependent examples it does not hold."
    ),
    sources=(
        Source("foundations", 169, "Bounds for finite hypothesis classes"),
        Source("foundations", 161, "PAC-learnable"),
        Source("foundations", 163, "Number of examples needed for learning"),
    ),
    reference="Hoeffding, Probability inequalities for sums of bounded random variables, 1963",
    sabotage=Sabotage("every example occurs twenty times", {"copies": 20}),
)
def hoeffding_bound(
    *, copies: int = 1, rows: int = 200, classifiers: int = 10, draws: int = 4000, seed: int = 0
) -> Outcome:
    """`copies` of each independent example make up the `rows`."""
    rng = seeds.generator("hoeffding", seed)
    truth = rng.uniform(0.2, 0.5, classifiers)
    wrong = rng.binomial(rows // copies, truth, (draws, classifiers)) / (rows // copies)
    gap = np.abs(wrong - truth).max(axis=1)
    levels = np.linspace(0.02, 0.2, 40)
    found = np.array([(gap > level).mean() for level in levels])
    bound = np.minimum(1, 2 * classifiers * np.exp(-2 * rows * levels**2))
    informative = bound < 1
    return Outcome(
        (
            at_most(
                "largest excess of the frequency over the bound",
                (found - bound)[informative].max(),
                0.0,
            ),
            at_least(
                "bound over frequency, where it first says something",
                bound[informative][0] / max(found[informative][0], 1 / draws),
                1,
            ),
        ),
        curves(
            "Chance of a gap above e",
            "e",
            "chance",
            {"frequency": (levels, np.maximum(found, 1e-4)), "bound": (levels, bound)},
            log=True,
        ),
    )


@experiment(
    title="A Rademacher bound for linear classes",
    statement=(
        "Among linear functions of norm at most B on points of norm at most R, the expected "
        "largest correlation with random signs is at most B R / sqrt(N), and exceeds half of "
        "it; so the class cannot fit noise once N is well above (B R)^2."
    ),
    sources=(
        Source("foundations", 169, "Measures the complexity of function classes"),
        Source("foundations", 155, "Generalization Bounds"),
    ),
    reference="Mohri, Rostamizadeh and Talwalkar, Foundations of machine learning, 2018, 5.10",
    sabotage=Sabotage("some points lie outside the ball of radius R", {"outside": 4.0}),
)
def rademacher_bound(*, outside: float = 1.0, draws: int = 400, seed: int = 0) -> Outcome:
    """`outside` is the largest norm of the points, where the bound has R = 1; B = 1."""
    sizes = np.array([10, 40, 160, 640])
    found = []
    for size in sizes:
        rng = seeds.generator("rademacher", seed, int(size))
        x = rng.normal(size=(size, 20))
        x *= outside / np.linalg.norm(x, axis=1, keepdims=True)
        signs = rng.choice([-1.0, 1.0], (draws, size))
        # The largest <w, sum of signed points> over |w| <= 1 is the norm of that sum.
        found.append(float(np.linalg.norm(signs @ x / size, axis=1).mean()))
    bounds = 1 / np.sqrt(sizes)
    return Outcome(
        (
            at_most("largest complexity over B R / sqrt(N)", (found / bounds).max(), 1),
            at_least("least complexity over it", (found / bounds).min(), 0.5),
        ),
        curves(
            "Rademacher complexity",
            "log10 of N",
            "complexity",
            {"drawn": (np.log10(sizes), found), "B R / sqrt(N)": (np.log10(sizes), bounds)},
            log=True,
        ),
    )


@experiment(
    title="Double descent",
    statement=(
        "The test error of the least squares fit of least norm on p random features rises to a "
        "peak where p is the number of rows, and falls again beyond, below the peak by far. A "
        "ridge removes the peak."
    ),
    sources=(
        Source("foundations", 91, "deeper networks can reduce bias but increase variance"),
        Source("foundations", 187, "Why do overparameterized networks generalize well?"),
    ),
    reference="Belkin et al., Reconciling modern machine learning practice, arXiv:1812.11118",
    sabotage=Sabotage("a ridge is added", {"ridge": 0.5}),
)
def double_descent(
    *, ridge: float = 0.0, rows: int = 40, draws: int = 20, seed: int = 0
) -> Outcome:
    """`ridge` is the penalty on the squared weights."""
    counts = np.array([5, 10, 20, 30, 40, 50, 70, 120, 250, 600])
    errors = np.zeros((draws, len(counts)))
    for draw in range(draws):
        rng = seeds.generator("double descent", seed, draw)
        truth = rng.normal(size=10)
        x, new = rng.normal(size=(rows, 10)), rng.normal(size=(300, 10))
        y = x @ truth + rng.normal(size=rows)
        directions = rng.normal(size=(10, counts[-1])) / sqrt(10)
        for place, count in enumerate(counts):
            features, unseen = (np.maximum(a @ directions[:, :count], 0) for a in (x, new))
            u, s, v = np.linalg.svd(features, full_matrices=False)
            shrunk = s / (s**2 + ridge * rows) if ridge else np.where(s > 1e-10, 1 / s, 0)
            weights = v.T @ (shrunk * (u.T @ y))
            errors[draw, place] = np.mean((unseen @ weights - new @ truth) ** 2)
    typical = np.median(errors, axis=0)
    peak = typical[counts == rows][0]
    return Outcome(
        (
            at_least(
                "error at p = N over the least before", peak / typical[counts < rows].min(), 3
            ),
            at_least("error at p = N over that at the most features", peak / typical[-1], 3),
        ),
        curves(
            "Test error by the number of features",
            "log10 of features",
            "error",
            {"median": (np.log10(counts), typical)},
            log=True,
        ).upright(float(np.log10(rows)), "p = N"),
    )


@experiment(
    title="Mixup is, to second order, a penalty that depends on the data",
    statement=(
        "For logistic regression, Mixup's expected loss with weights from Beta(a, a) and "
        "partners drawn uniformly is the loss at the points drawn towards their mean, plus half "
        "the expected w . Cov w times p (1 - p), up to a third-order remainder of at most "
        "max|l'''| E|w . d|^3 / 6 with max|l'''| = 1/(6 sqrt 3)."
    ),
    sources=(
        Source("tsemo", 536, "a data augmentation technique called Mixup"),
        Source("murari", 343, "augmentation or synthetic data"),
    ),
    reference="Zhang et al., How does Mixup help, arXiv:2010.04819, lemma 3.1; Carratino et al., "
    "On Mixup regularization, arXiv:2006.06049",
    sabotage=Sabotage("partners are drawn from the example's own class", {"partner": "class"}),
)
def mixup_to_second_order(
    *, partner: str = "any", alpha: float = 0.4, rows: int = 40, seed: int = 0
) -> Outcome:
    """`partner` is any or class; lengths of w run over two decades."""
    same = choose("partner", partner, {"any": False, "class": True})
    rng = seeds.generator("mixup", seed)
    labels = np.repeat([0.0, 1.0], rows // 2)
    x = rng.normal(size=(len(labels), 3)) + 1.5 * labels[:, np.newaxis]
    direction = np.array([1.0, 0.5, -0.3])
    # Linear in the label, the loss of a mixed pair is that of one label with Beta(a + 1, a).
    nodes, weights = roots_jacobi(40, alpha - 1, alpha)
    lam, weights = (nodes + 1) / 2, weights / weights.sum()
    mean = float(weights @ lam)
    allowed = (labels == labels[:, np.newaxis]) if same else np.ones((len(labels),) * 2, bool)
    lengths = np.geomspace(0.05, 5, 15)
    exact, second, remainders = [], [], []
    for length in lengths:
        z = x @ direction * length
        mixed = lam[:, None, None] * z[:, None] + (1 - lam)[:, None, None] * z  # (Q, i, j)
        each = np.logaddexp(0, mixed) - labels[:, None] * mixed
        pairs = weights[:, None, None] * allowed / allowed.sum(axis=1, keepdims=True)
        exact.append((pairs * each).sum() / len(z))
        centre = mean * z + (1 - mean) * z.mean()
        uniform = np.broadcast_to(weights[:, None, None] / len(z), mixed.shape)
        off = mixed - centre[:, None]
        variance = (uniform * off**2).sum(axis=(0, 2))
        p = expit(centre)
        plain = np.logaddexp(0, centre) - labels * centre
        second.append(np.mean(plain + p * (1 - p) * variance / 2))
        remainders.append((uniform * np.abs(off) ** 3).sum() / len(z) / (36 * sqrt(3)))
    gap = np.abs(np.array(exact) - second)
    return Outcome(
        (at_most("largest gap over its third-order bound", (gap / remainders).max(), 1 + 1e-6),),
        curves(
            "Mixup's loss less its second order",
            "log10 of |w|",
            "gap",
            {"gap": (np.log10(lengths), gap), "bound": (np.log10(lengths), remainders)},
            log=True,
        ),
    )
