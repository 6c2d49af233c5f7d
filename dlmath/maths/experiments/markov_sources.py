"""Models of a Markov source: no loss below the entropy rate, and what a short context costs."""

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from scipy.stats import chi2

from dlmath import seeds
from dlmath.maths.chance import RARE, outside
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.information import mutual_information
from dlmath.maths.markov import (
    block_law,
    counted,
    entropy_rate,
    expected_loss,
    law_given,
    sampled,
    shares,
    stationary_law,
)
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

LANGUAGE = Source("tsemo", 631, "such as cross-entropy loss for language modeling")
BOOK = "Cover and Thomas, Elements of information theory, 2006, sections 2.6 and 4.2"
TOL = 1e-12  # sums of at most 3^5 products of order 1, in float64: some hundred roundings
BIT = float(np.log(2))  # in nats


def drawn_source(rng: np.random.Generator, letters: int, order: int, least: float) -> np.ndarray:
    """Return a random law of the next letter, none less likely than `least`."""
    drawn = rng.dirichlet(np.ones(letters), (letters,) * order)
    return least + (1 - letters * least) * drawn


def mean_divergence(law: np.ndarray, model: np.ndarray) -> float:
    """Return the mean of D(p(. | x) || q(. | x)) over the contexts of a source, in nats.

    Args:
        law: p, of order k, (S,) * (k + 1).
        model: q, (S,) * (m + 1).
    """
    joint = block_law(law, largest_of(law.ndim, model.ndim))
    return float(np.sum(joint * np.log(law / model)))


def told_by_older(law: np.ndarray, context: int) -> float:
    """Return I(next; letters older than the last `context` | these), in nats.

    Args:
        law: Of order k > m.
        context: m.
    """
    joint = block_law(law, law.ndim)
    letters, order = len(law), law.ndim - 1
    joint = joint.reshape(letters ** (order - context), letters**context, letters)
    weights = joint.sum(axis=(0, 2))
    each = [mutual_information(joint[:, m] / weights[m]) for m in range(len(weights))]
    return BIT * float(weights @ each)


@experiment(
    title="No model's loss is below the entropy rate",
    statement=(
        "The expected loss -log q of a model of the next letter of a stationary Markov source is "
        "the entropy rate and the mean divergence from the source's law to q: at least the entropy "
        "rate, whatever the model. Of those that see m letters, the source's own law given m has "
        "the least. It is the entropy rate if m is at least the order k; for m < k it is above by "
        "the conditional mutual information of the next letter and those older than m, which is at "
        "least twice the mean squared distance in total variation from the law given k to that "
        "given m, and at most the mean chi-squared distance."
    ),
    sources=(LANGUAGE,),
    about=(
        "markov.stationary_law",
        "markov.block_law",
        "markov.law_given",
        "markov.entropy_rate",
        "markov.expected_loss",
        "mean_divergence",
        "told_by_older",
    ),
    reference=f"{BOOK}; Pinsker's inequality, lemma 11.6.1 there",
    sabotage=Sabotage("the loss is measured on letters of another source", {"foreign": 0.5}),
)
def loss_is_at_least_the_entropy_rate(
    *, foreign: float = 0.0, letters: int = 3, order: int = 3, models: int = 40, seed: int = 0
) -> Outcome:
    """`foreign` is the share of another law in that of the letters on which losses are measured."""
    rng = seeds.generator("entropy rate", seed)
    law = drawn_source(rng, letters, order, 0.02)
    measured = (1 - foreign) * law + foreign / letters
    rate = entropy_rate(law)
    excess, apart, below, gaps, off = [], [], [], [], []
    for context in range(order + 2):
        best = law_given(law, context)
        least = expected_loss(measured, best)
        gaps.append(least - rate)
        wanted = told_by_older(law, context) if context < order else 0.0
        off.append(abs(gaps[-1] - wanted))
        for model in rng.dirichlet(np.ones(letters), (models,) + (letters,) * context):
            loss = expected_loss(measured, model)
            excess.append(loss - rate)
            apart.append(abs(excess[-1] - mean_divergence(law, model)))
            below.append(least - loss)
    sums = [block_law(law, n).sum() for n in range(1, order + 2)]
    sums += [law_given(law, m).sum(axis=-1).ravel() for m in range(order + 2)]
    low, high = np.transpose([_bounds(law, context) for context in range(order)])
    return Outcome(
        (
            at_least("loss of any model less the entropy rate", excess, -TOL),
            at_most("that less the mean divergence", apart, TOL),
            at_most("least loss with m letters less that of a model that sees them", below, TOL),
            at_most("least loss less the rate, away from what older letters tell", off, TOL),
            at_most("twice the squared total variation less the gap", low - gaps[:order], TOL),
            at_most("the gap less the chi-squared distance", gaps[:order] - high, TOL),
            at_most("away from the stationary law after a step", _moved(law), TOL),
            at_most("sums of laws away from 1", np.abs(np.hstack(sums) - 1), TOL),
        ),
        curves(
            "Least loss above the entropy rate",
            "letters seen",
            "nats",
            {
                "least loss": (np.arange(order + 2), np.array(gaps)),
                "2 TV^2": (np.arange(order), low),
                "chi-squared": (np.arange(order), high),
            },
        ),
    )


def _bounds(law: np.ndarray, context: int) -> tuple[float, float]:
    """Return twice the mean squared total variation, and the mean chi-squared distance."""
    short = law_given(law, context)
    weights = block_law(law, law.ndim - 1)
    variation = np.abs(law - short).sum(axis=-1) / 2
    squared = ((law - short) ** 2 / short).sum(axis=-1)
    return float(2 * np.sum(weights * variation**2)), float(np.sum(weights * squared))


def _moved(law: np.ndarray) -> float:
    """Return how far the law of the last k letters is from that of the first k."""
    joint = block_law(law, law.ndim)
    return float(np.abs(joint.sum(axis=0) - joint.sum(axis=-1)).max())


@experiment(
    title="Counts with a context as long as the order reach the entropy rate",
    statement=(
        "Count in n letters of a stationary Markov source of order k which letter follows each m "
        "letters, and take the shares as the law. If m is at least k, with d = S^m (S - 1) free "
        "probabilities: 2n times what the loss of the shares is below the source's on the letters "
        "counted has the limit law chi-squared of d degrees, so the loss is d / 2n too low on "
        "average; on new letters it is d / 2n above the entropy rate. If m is less than k, the "
        "loss on new letters does not come closer to the rate than the conditional mutual "
        "information, however many letters are counted."
    ),
    sources=(LANGUAGE,),
    about=("markov.sampled", "markov.counted", "markov.shares"),
    reference=f"{BOOK}; Wilks, 1938; Billingsley, Statistical methods in Markov chains, 1961",
    sabotage=Sabotage("the context is shorter than the order", {"context": 1}),
)
def context_as_long_as_the_order(
    *,
    context: int = 2,
    letters: int = 3,
    order: int = 2,
    length: int = 4000,
    draws: int = 500,
    seed: int = 0,
) -> Outcome:
    """`context` is m; `length` letters are counted in each of `draws` texts."""
    rng = seeds.generator("counts", seed)
    law = drawn_source(rng, letters, order, 0.2)
    rate, short = entropy_rate(law), order - 1
    text = sampled(law, draws, length, rng)
    fits = {m: _Fit.to(text, law, m) for m in (context, context + 1, short)}
    new = np.array([expected_loss(law, model) for model in fits[context].models])
    freedoms = letters**context * (letters - 1)
    told = told_by_older(law, short)
    new_short = np.array([expected_loss(law, model) for model in fits[short].models])
    first = np.ravel_multi_index(tuple(text[:, :order].T), law.shape[:-1])
    compared = {
        "first letters": (np.eye(letters**order)[first], stationary_law(law).ravel()),
        "loss of the source on its letters": (fits[short].of_source, rate),
        "2n times the gain on what was counted": (fits[context].gains, freedoms),
        "the same with one letter more": (fits[context + 1].gains, letters * freedoms),
        "2n times the excess on new letters": (2 * length * (new - rate), freedoms),
    }
    checks = (
        at_most(f"{name}: standard errors beyond what chance allows", outside(*both), 0)
        for name, both in compared.items()
    )
    spread = np.sort(fits[context].gains)
    levels = (np.arange(draws) + 0.5) / draws
    distance = np.abs(chi2.cdf(spread, freedoms) - levels).max()
    return Outcome(
        (
            *checks,
            at_most("gains: distance from the chi-squared law", distance, kolmogorov(draws)),
            at_least(
                "loss of shares with one letter less, on new letters, above the rate and what the "
                "oldest letter tells",
                new_short - rate - told,
                -TOL,
            ),
            at_most(
                "sums of shares away from 1",
                np.abs(fits[context].models.sum(axis=-1) - 1).ravel(),
                TOL,
            ),
            at_least("least count of a cell", fits[context].least, 1),
        ),
        curves(
            "2n times the gain on what was counted",
            "value",
            "share below",
            {"drawn": (spread, levels), "chi-squared": (spread, chi2.cdf(spread, freedoms))},
        ),
    )


@dataclass(frozen=True)
class _Fit:
    """Shares counted in each text with a context m.

    Attributes:
        models: (draws, S, ..., S), m + 1 axes of letters.
        of_source: Loss of the source on its text, (draws,), in nats for each letter.
        gains: 2n times what the loss of the shares is below it, on the same letters.
        least: The smallest count.
    """

    models: np.ndarray
    of_source: np.ndarray
    gains: np.ndarray
    least: int

    @classmethod
    def to(cls, text: np.ndarray, law: np.ndarray, context: int) -> "_Fit":
        longest = largest_of(context, law.ndim - 1)  # so that both losses are of the same letters
        counts = counted(text, longest, len(law))
        letters = tuple(range(1, counts.ndim))
        total = counts.sum(axis=letters)
        of_source = -xlogy(counts, law).sum(axis=letters) / total
        counts = counts.sum(axis=tuple(range(1, 1 + longest - context)))
        models = shares(counts)
        losses = -xlogy(counts, models).sum(axis=tuple(range(1, counts.ndim))) / total
        gains = 2 * total * (of_source - losses)
        return cls(models, of_source, gains, int(counts.min()))


def kolmogorov(draws: int) -> float:
    """Return the distance that a sample's distribution exceeds once in a million samples.

    By the inequality of Dvoretzky, Kiefer and Wolfowitz with Massart's constant.
    """
    return float(np.sqrt(np.log(2 / RARE) / (2 * draws)))
