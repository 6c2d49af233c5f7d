"""Information: entropy, the data processing inequality, the bottleneck, choosing a model."""

import numpy as np
from numpy.polynomial.legendre import legvander

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.information import bottleneck, divergence, entropy, mutual_information
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences


@experiment(
    title="No layer adds information about its input",
    statement=(
        "I(X;Y) = H(X) - H(X|Y) = D(P_XY || P_X P_Y) >= 0, and along X -> T -> S with S made of "
        "only T, I(X;S) <= I(X;T). If S sees X directly, it may know more than T."
    ),
    sources=(
        Source("foundations", 102, "Shannon Entropy"),
        Source("foundations", 103, "KL Divergence"),
        Source("foundations", 105, "How much information is preserved through network layers"),
    ),
    about=("entropy", "divergence", "mutual_information"),
    reference="Cover and Thomas, Elements of information theory, 2006, theorems 2.4.1 and 2.8.1",
    sabotage=Sabotage("the last layer sees the input past the one before", {"skip": True}),
)
def data_processing(*, skip: bool = False, draws: int = 300, seed: int = 0) -> Outcome:
    """`skip` makes S a copy of X; channels and inputs are random, of 5 letters each."""
    rng = seeds.generator("processing", seed)
    gaps, least, gains = [], [], []
    for _ in range(draws):
        p = rng.dirichlet(np.ones(5))
        first, second = rng.dirichlet(np.full(5, 0.4), (2, 5))
        to_t = p[:, np.newaxis] * first
        to_s = np.diag(p) if skip else to_t @ second
        conditional = entropy(to_t.ravel()) - entropy(to_t.sum(axis=0))  # H(X|T)
        product = np.outer(p, to_t.sum(axis=0)).ravel()
        both = (entropy(p) - conditional, divergence(to_t.ravel(), product))
        gaps.append(abs(both[0] - both[1]))
        least.append(both[1])
        gains.append(mutual_information(to_s) - mutual_information(to_t))
    return Outcome(
        (
            at_most("largest |H(X) - H(X|T) - D|", max(gaps), 1e-12),
            at_least("least information", min(least), -1e-12),
            at_most("largest I(X;S) - I(X;T)", max(gains), 1e-12),
        ),
        sequences("I(X;S) - I(X;T), sorted", "draw", "bits", {"gain": np.sort(gains)}),
    )


@experiment(
    title="The information bottleneck, computed",
    statement=(
        "Minimising I(X;T) - beta I(T;Y) by its fixed-point equations never increases it; as "
        "beta grows, T keeps more of X and more about Y, within I(X;T) <= H(X) and I(T;Y) <= "
        "I(X;Y), and for beta <= 1 the best T knows nothing."
    ),
    sources=(
        Source("foundations", 111, "Minimize: I(X;T)"),
        Source("foundations", 116, "controls the tradeoff"),
        Source("foundations", 118, "Compress the input"),
        Source("foundations", 120, "Balance compression"),
    ),
    about=("bottleneck", "information._informations", "information._nats"),
    reference="Tishby, Pereira and Bialek, The information bottleneck method, physics/0004057",
    sabotage=Sabotage("the label says nothing about the input", {"signal": 0.0}),
)
def information_bottleneck(*, signal: float = 0.8, letters: int = 6, seed: int = 0) -> Outcome:
    """`signal` is the share of cases in which Y is decided by X."""
    rng = seeds.generator("bottleneck", seed)
    p = rng.dirichlet(np.full(letters, 5.0))
    decided = np.eye(2)[np.arange(letters) % 2]
    joint = p[:, np.newaxis] * (signal * decided + (1 - signal) / 2)
    betas = np.geomspace(0.5, 50, 25)
    kept, told, rises = [], [], []
    for beta in betas:
        found = bottleneck(joint, float(beta), letters, seed)
        kept.append(found.about_input)
        told.append(found.about_label)
        rises.append(float(np.diff(found.values).max()))
    whole = mutual_information(joint)
    return Outcome(
        (
            at_most("largest rise of the objective in a step", max(rises), 1e-9),
            at_most(
                "information about the input for beta <= 1",
                max(k for k, b in zip(kept, betas, strict=True) if b <= 1),
                1e-3,
            ),
            at_least("I(T;Y) at the largest beta over I(X;Y)", told[-1] / max(whole, 1e-12), 0.99),
            at_most("largest I(T;Y) - I(X;Y)", max(told) - whole, 1e-9),
            at_least("least change of I(T;Y) as beta grows", np.diff(told).min(), -1e-3),
        ),
        curves(
            "The information plane",
            "I(X;T), bits",
            "I(T;Y), bits",
            {"bottleneck": (kept, told), "I(X;Y)": (kept, np.full(len(kept), whole))},
        ),
    )


def binary_entropy(p: np.ndarray) -> np.ndarray:
    """Return the entropy in bits of a coin of chance p, entry by entry."""
    return np.array([entropy(np.array([one, 1 - one])) for one in p])


def coin_of_entropy(bits: np.ndarray) -> np.ndarray:
    """Return the chance in [0, 1/2] of a coin of that entropy, by bisection."""
    low, high = np.zeros(len(bits)), np.full(len(bits), 0.5)
    for _ in range(60):
        middle = (low + high) / 2
        less = binary_entropy(middle) < bits
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    return low


@experiment(
    title="The bottleneck of a binary channel, exactly",
    statement=(
        "If X is a fair coin and Y is X turned with chance d, no T that keeps r bits of X knows "
        "more of Y than 1 - h(d * q), where h(q) = 1 - r and d * q = d (1 - q) + q (1 - d): Mrs "
        "Gerber's lemma. The fixed points of the bottleneck equations lie on that curve, and "
        "know nothing for beta below 1 / (1 - 2 d)^2."
    ),
    sources=(Source("foundations", 111, "Minimize: I(X;T)"),),
    about=(
        "bottleneck",
        "information._informations",
        "information._nats",
        "binary_entropy",
        "coin_of_entropy",
    ),
    reference="Wyner and Ziv, A theorem on the entropy of certain binary sequences, 1973; "
    "Witsenhausen and Wyner, A conditional entropy bound, 1975",
    sabotage=Sabotage("the coin is not fair", {"heads": 0.9}),
)
def bottleneck_of_a_coin(*, heads: float = 0.5, turned: float = 0.1, seed: int = 0) -> Outcome:
    """`heads` is the chance of X = 1, `turned` is d."""
    p = np.array([1 - heads, heads])
    joint = p[:, np.newaxis] * np.array([[1 - turned, turned], [turned, 1 - turned]])
    threshold = 1 / (1 - 2 * turned) ** 2
    above = threshold * np.geomspace(1.1, 6, 8)
    found = [bottleneck(joint, float(beta), 2, seed, 200) for beta in above]
    kept, told = (np.array([getattr(f, n) for f in found]) for n in ("about_input", "about_label"))
    below = bottleneck(joint, 0.8 * threshold, 2, seed, 200).about_input
    rng = seeds.generator("any encoder", seed)
    drawn = p[:, np.newaxis] * rng.dirichlet(np.full(3, 0.3), (300, 2))  # laws of (X, T)
    channel = joint / p[:, np.newaxis]
    about_x, about_y = np.transpose(
        [(mutual_information(one), mutual_information(one.T @ channel)) for one in drawn]
    )

    def most(bits: np.ndarray) -> np.ndarray:
        flip = coin_of_entropy(1 - bits)
        return 1 - binary_entropy(turned * (1 - flip) + flip * (1 - turned))

    return Outcome(
        (
            at_most("fixed points: distance from the curve", np.abs(told - most(kept)).max(), 1e-6),
            at_most("300 random T: most above the curve", (about_y - most(about_x)).max(), 1e-9),
            at_most("information about X at 0.8 of the least beta", below, 1e-6),
            at_least("the same at 1.1 of it", kept[0], 0.05),
        ),
        curves(
            "The information plane of a binary channel",
            "I(X;T), bits",
            "I(T;Y), bits",
            {
                "fixed points": (kept, told),
                "Mrs Gerber's": (np.linspace(0, 1), most(np.linspace(0, 1))),
            },
        ),
    )


@experiment(
    title="AIC, BIC and cross-validation choose a degree",
    statement=(
        "On targets from a polynomial of degree 3 with noise, the least training error chooses "
        "the highest degree on offer; AIC, BIC and cross-validation choose a degree near 3, BIC "
        "most often 3 itself, and the error on new data of what they choose is lower."
    ),
    sources=(
        Source("foundations", 172, "AIC, BIC for model comparison"),
        Source("foundations", 172, "Cross-Validation"),
        Source("foundations", 172, "Structural Risk Minimization: Balance empirical error"),
        Source("tsemo", 453, "training set and the validation set"),
    ),
    about=(
        "compute.left",
        "compute.leverage",
        "compute.held_out",
        "compute.likelihood",
        "compute.scores",
    ),
    reference="Akaike, 1974; Schwarz, Estimating the dimension of a model, 1978",
    sabotage=Sabotage("the truth has a degree beyond those on offer", {"truth": 14}),
)
def criteria_choose_a_degree(
    *, truth: int = 3, rows: int = 60, draws: int = 60, seed: int = 0
) -> Outcome:
    """`truth` is the degree of the polynomial behind the data; 0 to 12 are on offer."""
    degrees = np.arange(13)
    chosen: dict[str, list[int]] = {
        name: [] for name in ("training", "AIC", "BIC", "cross-validation")
    }
    errors: dict[str, list[float]] = {name: [] for name in chosen}
    grid = np.linspace(-1, 1, 200)
    for draw in range(draws):
        rng = seeds.generator("criteria", seed, draw)
        x, weights = rng.uniform(-1, 1, rows), np.append(rng.normal(size=truth), 1.5)
        y = legvander(x, truth) @ weights + 0.5 * rng.normal(size=rows)
        residuals, held_out, misses = [], [], []
        for degree in degrees:
            features = legvander(x, int(degree))
            fit = np.linalg.lstsq(features, y, rcond=None)[0]
            left = y - features @ fit
            leverage = np.einsum("ij,ji->i", features, np.linalg.pinv(features))
            residuals.append(np.mean(left**2))
            held_out.append(np.mean((left / (1 - leverage)) ** 2))  # leave one out, exactly
            misses.append(
                np.mean(
                    (legvander(grid, int(degree)) @ fit - legvander(grid, truth) @ weights) ** 2
                )
            )
        likelihood = rows * np.log(residuals)
        scores = {
            "training": residuals,
            "AIC": likelihood + 2 * (degrees + 2),
            "BIC": likelihood + np.log(rows) * (degrees + 2),
            "cross-validation": held_out,
        }
        for name, score in scores.items():
            chosen[name].append(int(np.argmin(score)))
            errors[name].append(misses[chosen[name][-1]])
    share = np.mean(np.array(chosen["BIC"]) == truth)
    worst = max(
        np.mean(errors[n]) / np.mean(errors["training"]) for n in ("AIC", "BIC", "cross-validation")
    )
    counts = [
        np.bincount(chosen[n], minlength=13) / draws for n in ("BIC", "AIC", "cross-validation")
    ]
    return Outcome(
        (
            at_least("least degree chosen by the training error", min(chosen["training"]), 11),
            at_least("share of draws in which BIC chooses the truth", share, 0.8),
            at_most("largest mean error of the three over the training error's", worst, 0.8),
        ),
        curves(
            "How often each degree is chosen",
            "degree",
            "share",
            {
                name: (degrees, count)
                for name, count in zip(("BIC", "AIC", "cross-validation"), counts, strict=True)
            },
        ),
    )


@experiment(
    title="Bootstrap intervals cover",
    statement=(
        "The percentile bootstrap's 95 % interval of a mean covers the true mean in about 95 % "
        "of samples of moderate size from a law with a variance, and its width is near that of "
        "the normal interval. For a law without a mean there is nothing to cover."
    ),
    sources=(Source("foundations", 172, "Resampling techniques for uncertainty estimation"),),
    about=("compute.means", "compute.ends", "compute.covered"),
    reference="Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13",
    sabotage=Sabotage("the law has no mean: only its centre is 0", {"law": "cauchy"}),
)
def bootstrap_covers(
    *, law: str = "normal", rows: int = 60, draws: int = 600, seed: int = 0
) -> Outcome:
    """`law` is normal or cauchy, both symmetric around 0."""
    rng = seeds.generator("bootstrap", seed)
    normal = choose("law", law, {"normal": True, "cauchy": False})
    samples = rng.normal(size=(draws, rows)) if normal else rng.standard_cauchy((draws, rows))
    ends = []
    for sample in samples:
        means = sample[rng.integers(0, rows, (500, rows))].mean(axis=1)
        ends.append(np.quantile(means, [0.025, 0.975]))
    low, high = np.array(ends).T
    covered = np.mean((low <= 0) & (high >= 0))
    expected = 2 * 1.96 / np.sqrt(rows)
    slack = 4 * np.sqrt(0.95 * 0.05 / draws)  # four standard errors of the share
    return Outcome(
        (
            at_least("share of intervals that cover", covered, 0.94 - slack),
            at_most("the same", covered, 0.95 + slack),
            at_most(
                "mean width over the normal interval's, away from 1",
                abs((high - low).mean() / expected - 1),
                0.1,
            ),
        ),
        sequences(
            "Ends of the intervals, by their middle",
            "sample",
            "end",
            {"lower": np.sort(low), "upper": np.sort(high)},
        ),
    )
