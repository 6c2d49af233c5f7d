"""Information: entropy, the data processing inequality, the bottleneck, choosing a model."""

import numpy as np
from numpy.polynomial.legendre import legvander
from scipy.special import gammaln
from scipy.stats import norm, t

from dlmath import seeds
from dlmath.maths.chance import frequency_range, mean_range
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.information import bottleneck, divergence, entropy, mutual_information
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences

TOL = 1e-5  # bits: what the fixed points may be off the minimum after their last step


@experiment(
    title="No layer adds information about its input",
    statement=(
        "I(X;Y) = H(X) - H(X|Y) = D(P_XY || P_X P_Y) >= 0, and along X -> T -> S with S made of "
        "only T, I(X;S) <= I(X;T), with equality if T can be told from S. If S sees X directly, "
        "it may know more than T. A fair die of eight faces has 3 bits."
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
    gaps, least, gains, lost = [], [], [], []
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
        renamed = to_t[:, rng.permutation(5)]
        lost.append(abs(mutual_information(renamed) - mutual_information(to_t)))
    die = np.full(8, 1 / 8)
    sure, coin = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    return Outcome(
        (
            at_most("largest |H(X) - H(X|T) - D|", gaps, 1e-12),
            at_least("least information", least, -1e-12),
            at_most("largest I(X;S) - I(X;T)", gains, 1e-12),
            at_most("D of a sure law from a coin, away from 1", abs(divergence(sure, coin) - 1), 0),
            at_least("D of a coin from a sure law", divergence(coin, sure), np.inf),
            at_most("entropy of a sure law", abs(entropy(sure)), 0),
            at_most("largest of it where S is T by other names", lost, 1e-12),
            at_most(
                "a fair die's entropy, and its information about itself, away from 3 bits",
                largest_of(abs(entropy(die) - 3), abs(mutual_information(np.diag(die)) - 3)),
                1e-12,
            ),
        ),
        sequences("I(X;S) - I(X;T), sorted", "draw", "bits", {"gain": np.sort(gains)}),
    )


@experiment(
    title="The information bottleneck, computed",
    statement=(
        "If T is drawn from only X, I(X;T) <= H(X) and I(T;Y) <= I(X;Y). Minimising I(X;T) - "
        "beta I(T;Y) by its fixed-point equations never increases it. As beta grows by a step "
        "from b to c, the best T keeps more of X and more about Y, with a slope of I(T;Y) by "
        "I(X;T) between 1/c and 1/b; for beta < 1 it knows nothing; at last it knows all, and "
        "of X no more than what decides Y."
    ),
    sources=(
        Source("foundations", 111, "Minimize: I(X;T)"),
        Source("foundations", 116, "controls the tradeoff"),
        Source("foundations", 118, "Compress the input"),
        Source("foundations", 120, "Balance compression"),
    ),
    about=("bottleneck", "information._informations", "information._nats", "_with_labels"),
    reference="Tishby, Pereira and Bialek, The information bottleneck method, physics/0004057",
    sabotage=Sabotage("T is sometimes told the label itself", {"told": 0.2}),
)
def information_bottleneck(
    *, signal: float = 0.8, told: float = 0.0, letters: int = 6, seed: int = 0
) -> Outcome:
    """`signal`, from 0.1, is the share of cases in which Y is decided by X; `told`, that it is."""
    rng = seeds.generator("bottleneck", seed)
    p = rng.dirichlet(np.full(letters, 5.0))
    decided = np.eye(2)[np.arange(letters) % 2]
    joint = p[:, np.newaxis] * (signal * decided + (1 - signal) / 2)
    # T knows nothing below beta = 1 / signal^2 or more; the last is far beyond.
    betas = np.concatenate([[0.5, 0.9], np.geomspace(1.3, 40, 20) / signal**2])
    found = [bottleneck(joint, float(beta), letters, seed, 300) for beta in betas]
    kept = np.array([one.about_input for one in found])
    about = np.array([_with_labels(one.encoder, joint, told) for one in found])
    rises = largest_of(float(np.diff(one.values).max()) for one in found)
    whole, deciding = mutual_information(joint), entropy(p @ decided)
    more, better = np.diff(kept), np.diff(about)
    return Outcome(
        (
            at_most("largest rise of the objective in a step", rises, 1e-9),
            at_most("information about the input for beta < 1", kept[:2].max(), 1e-6),
            at_most("largest I(T;Y) - I(X;Y)", (about - whole).max(), 1e-9),
            at_least("I(T;Y) at the largest beta over I(X;Y)", about[-1] / whole, 0.99),
            at_most("I(X;T) at the largest beta less H(what decides Y)", kept[-1] - deciding, 1e-9),
            at_most(
                "step from b to c: b dI(T;Y) - dI(X;T)", (betas[:-1] * better - more).max(), TOL
            ),
            at_most("the same: dI(X;T) - c dI(T;Y)", (more - betas[1:] * better).max(), TOL),
        ),
        curves(
            "The information plane",
            "I(X;T), bits",
            "I(T;Y), bits",
            {"bottleneck": (kept, about), "I(X;Y)": (kept, np.full(len(kept), whole))},
        ),
    )


def _with_labels(encoder: np.ndarray, joint: np.ndarray, told: float) -> float:
    """Return what T knows about Y if with a chance `told` it is Y, and else drawn from X."""
    law = encoder.T @ joint  # (T, Y)
    return mutual_information(np.vstack([(1 - told) * law, told * np.diag(joint.sum(axis=0))]))


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


DEGREES = np.arange(13)  # on offer
HONEST = ("BIC", "AIC", "cross-validation")


@experiment(
    title="AIC, BIC and cross-validation choose a degree",
    statement=(
        "On targets from a polynomial of degree 3 with noise, the least training error chooses "
        "the highest degree on offer; AIC, BIC and cross-validation choose a degree near 3, BIC "
        "most often 3 itself, AIC never a lower one than BIC and a higher one in a third of the "
        "draws, and the error on new data of what they choose is lower. The error of leaving one "
        "out follows from one fit: each residual is divided by 1 less its leverage."
    ),
    sources=(
        Source("foundations", 172, "AIC, BIC for model comparison"),
        Source("foundations", 172, "Cross-Validation"),
        Source("foundations", 172, "Structural Risk Minimization: Balance empirical error"),
        Source("tsemo", 453, "training set and the validation set"),
    ),
    about=("scores", "left_out"),
    reference="Akaike, 1974; Schwarz, Estimating the dimension of a model, 1978; Shibata, 1976, "
    "for the chance of too high an order by AIC",
    sabotage=Sabotage("the truth has a degree beyond those on offer", {"truth": 14}),
)
def criteria_choose_a_degree(
    *, truth: int = 3, rows: int = 60, draws: int = 100, seed: int = 0
) -> Outcome:
    """`truth` is the degree of the polynomial behind the data; 0 to 12 are on offer."""
    chosen: dict[str, list[int]] = {name: [] for name in ("training", *HONEST)}
    errors: dict[str, list[float]] = {name: [] for name in chosen}
    grid, refitted, off = np.linspace(-1, 1, 200), np.inf, np.inf
    for draw in range(draws):
        rng = seeds.generator("criteria", seed, draw)
        x, weights = rng.uniform(-1, 1, rows), np.append(rng.normal(size=truth), 1.5)
        y = legvander(x, truth) @ weights + 0.5 * rng.normal(size=rows)
        fits = [np.linalg.lstsq(legvander(x, int(d)), y)[0] for d in DEGREES]
        wanted = legvander(grid, truth) @ weights
        misses = [np.mean((legvander(grid, len(fit) - 1) @ fit - wanted) ** 2) for fit in fits]
        for name, score in scores(x, y, fits).items():
            chosen[name].append(int(np.argmin(score)))
            errors[name].append(misses[chosen[name][-1]])
        if draw == 0:
            again = _left_out_again(x, y, 4)
            refitted = float(np.abs(left_out(x, y, fits[4]) / again - 1).max())
            off = _away_from_definitions(x, y, fits, again)
    shares = {name: np.mean(np.array(chosen[name]) == truth) for name in chosen}
    counts = {name: np.bincount(chosen[name], minlength=13) / draws for name in HONEST}
    least, most = frequency_range(np.array([0.85, 0.5, 0.72]), draws, 1e-5)
    return Outcome(
        (
            at_least("least degree chosen by the training error", chosen["training"], 12),
            at_least(
                "degree chosen by AIC less that by BIC, least",
                np.subtract(chosen["AIC"], chosen["BIC"]).min(),
                0,
            ),
            at_least("share in which BIC chooses the truth, 0.85 allowed", shares["BIC"], least[0]),
            at_least("share in which AIC does, at least 0.5 allowed", shares["AIC"], least[1]),
            at_most("the same, at most 0.72 allowed", shares["AIC"], most[2]),
            at_most(
                "error of each of the three over the training error's, largest mean logarithm",
                (mean_range(np.log(np.divide(errors[n], errors["training"])))[1] for n in HONEST),
                0,
            ),
            at_most("leave one out: away from fitting without it, relative", refitted, 1e-9),
            at_most("criteria away from likelihoods and mean squares", off, 1e-9),
        ),
        curves(
            "How often each degree is chosen",
            "degree",
            "share",
            {name: (DEGREES, count) for name, count in counts.items()},
        ),
    )


def scores(x: np.ndarray, y: np.ndarray, fits: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return what each rule wants to be least, by degree, for least squares fits."""
    residuals = np.array([np.mean((y - legvander(x, len(fit) - 1) @ fit) ** 2) for fit in fits])
    likelihood = len(y) * np.log(residuals)
    parameters = np.array([len(fit) + 1 for fit in fits])  # and the variance of the noise
    return {
        "training": residuals,
        "AIC": likelihood + 2 * parameters,
        "BIC": likelihood + np.log(len(y)) * parameters,
        "cross-validation": np.array([np.mean(left_out(x, y, fit) ** 2) for fit in fits]),
    }


def left_out(x: np.ndarray, y: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """Return each row's residual under the fit to all others, from only the fit to all."""
    features = legvander(x, len(fit) - 1)
    leverage = np.einsum("ij,ji->i", features, np.linalg.pinv(features))
    return (y - features @ fit) / (1 - leverage)


def _away_from_definitions(
    x: np.ndarray, y: np.ndarray, fits: list[np.ndarray], again: np.ndarray
) -> float:
    """Return how far `scores` are from their definitions, but for a constant in AIC and BIC."""
    residuals = [y - legvander(x, len(fit) - 1) @ fit for fit in fits]
    minus_two_log = np.array([-2 * norm.logpdf(r, scale=r.std()).sum() for r in residuals])
    degrees, found = DEGREES.astype(float), scores(x, y, fits)
    gaps = [
        found["AIC"] - minus_two_log - 2 * degrees,
        found["BIC"] - minus_two_log - np.log(len(y)) * degrees,
        found["training"] - np.array([r @ r / len(y) for r in residuals]),
    ]
    held = abs(found["cross-validation"][4] - again @ again / len(y))
    return largest_of(held, np.abs(gaps[2]).max(), *(float(np.ptp(gap)) for gap in gaps[:2]))


def _left_out_again(x: np.ndarray, y: np.ndarray, degree: int) -> np.ndarray:
    """Return the same by fitting without each row."""
    features, rows = legvander(x, degree), np.arange(len(y))
    fits = [np.linalg.lstsq(features[rows != row], y[rows != row])[0] for row in rows]
    return y - np.sum(features * np.array(fits), axis=1)


@experiment(
    title="Bootstrap intervals cover",
    statement=(
        "The percentile bootstrap's 95 % interval of a mean is near mean +- 1.96 s / sqrt N, s "
        "being the deviation over N: of normal samples of N = 60 it covers the true mean with "
        "the chance that |t| <= 1.96 sqrt(59 / 60) for Student's t with 59 degrees of freedom, "
        "94.3 %. For a law without a mean there is nothing to cover."
    ),
    sources=(Source("foundations", 172, "Resampling techniques for uncertainty estimation"),),
    about=("percentile_interval", "compute.covered"),
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
    low, high = np.array([percentile_interval(sample, rng) for sample in samples]).T
    covered = np.mean((low <= 0) & (high >= 0))
    missed = np.mean(low > 0) + np.mean(high < 0)
    reach = norm.ppf(0.975)
    chance = 1 - 2 * t.sf(reach * np.sqrt((rows - 1) / rows), rows - 1)
    # Of 500 resamples the 2.5 % quantiles lie a little inside of the law's: up to 1 %.
    least, most = frequency_range(np.array([chance - 0.01, chance]), draws)
    widths = (high - low) / (2 * reach * samples.std(axis=1) / np.sqrt(rows))
    # The mean deviation over N of normal samples, by the law of chi.
    mean_deviation = np.sqrt(2 / rows) * np.exp(gammaln(rows / 2) - gammaln((rows - 1) / 2))
    normal_width = 2 * reach * mean_deviation / np.sqrt(rows)
    return Outcome(
        (
            at_least("share of intervals that cover, less what chance allows", covered, least[0]),
            at_most("the same, more than chance allows", covered, most[1]),
            at_most(
                "it and the misses on both sides, away from 1", abs(covered + missed - 1), 1e-12
            ),
            at_most(
                "width over that of mean +- 1.96 s / sqrt N, mean away from 1",
                abs(widths.mean() - 1),
                0.02,
            ),
            at_most(
                "mean width over the normal law's, away from 1",
                abs((high - low).mean() / normal_width - 1),
                0.05,
            ),
            # By the law of two quantiles of 500, the middle is off by 2.2 % of the width.
            at_most(
                "middle away from the sample's mean, over the width, root mean square",
                np.sqrt(
                    np.mean(((low + high) / 2 - samples.mean(axis=1)) ** 2 / (high - low) ** 2)
                ),
                0.03,
            ),
        ),
        sequences(
            "Ends of the intervals, by their middle",
            "sample",
            "end",
            {"lower": np.sort(low), "upper": np.sort(high)},
        ),
    )


def percentile_interval(sample: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the 2.5 % and 97.5 % quantiles of the means of 500 resamples."""
    rows = len(sample)
    means = sample[rng.integers(0, rows, (500, rows))].mean(axis=1)
    return np.quantile(means, [0.025, 0.975])
