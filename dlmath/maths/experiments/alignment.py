"""Alignment in the small: what a reward, a checker and the best of several draws make of a law."""

import itertools

import numpy as np

from dlmath import seeds
from dlmath.maths.alignment import accepted, best_of, gibbs, nats
from dlmath.maths.chance import frequency_range
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

TOL = 1e-12  # sums of a few numbers of size 1


@experiment(
    title="What alignment by a reward aims at",
    statement=(
        "Among all laws q of the answers, the mean reward less t D(q || p), as in learning from "
        "human feedback, is largest for q = p exp(r / t) / Z only: it is t log Z there, and t D(q "
        "|| p exp(r / t) / Z) less for any other q. With a reward of 0 or 1, q tends to p given "
        "that the answer is right as t falls to 0, at a distance of at most w exp(-1 / t) / (1 - "
        "w), w the chance of a wrong answer; the chance of a right one never falls as t does."
    ),
    sources=(
        Source("tsemo", 631, "reinforcement learning from human feedback"),
        Source("tsemo", 41, "appropriate alignment algorithms"),
    ),
    about=("gibbs", "alignment.nats", "accepted", "objective"),
    reference="Korbak, Perez and Buckley, RL with KL penalties is better viewed as Bayesian "
    "inference, 2022, arXiv:2205.11275; Donsker and Varadhan, 1975",
    sabotage=Sabotage("the law is paid for its distance from the uniform one", {"near": "uniform"}),
)
def aligned_by_a_reward(
    *, near: str = "first", temperature: float = 0.7, answers: int = 6, seed: int = 0
) -> Outcome:
    """`near` is the law that q is held to: the `first` one, or the `uniform` one."""
    rng = seeds.generator("alignment", seed)
    p = rng.dirichlet(np.ones(answers))
    reward = rng.normal(size=answers)
    held = choose("near", near, {"first": p, "uniform": np.full(answers, 1 / answers)})
    best = gibbs(p, reward, temperature)
    log_z = np.log(np.sum(p * np.exp(reward / temperature)))
    top = objective(best, held, reward, temperature)
    others = [*rng.dirichlet(np.ones(answers), 200), *np.eye(answers), p]
    lost = [top - objective(q, held, reward, temperature) for q in others]
    gaps = [one - temperature * nats(q, best) for one, q in zip(lost, others, strict=True)]
    right = np.arange(answers) < 2
    cold = np.geomspace(0.1, 5, 25)
    laws = [gibbs(p, right.astype(float), t) for t in cold]
    sure = accepted(p, right)
    wrong = 1 - p[right].sum()
    away = np.array([np.abs(q - sure).sum() / 2 for q in laws])
    reach = wrong * np.exp(-1 / cold) / (1 - wrong)
    chances = np.array([q[right].sum() for q in laws])
    return Outcome(
        (
            at_most("largest value away from t log Z", abs(top - temperature * log_z), TOL),
            at_most("what any q loses, away from t D(q || best)", np.abs(gaps), 1e-11),
            at_least("least that another q loses", lost, 0.0),
            at_most("distance from p given right, over its bound", away / reach, 1 + 1e-9),
            at_most("p given right: chances of wrong answers", sure[~right], 0),
            at_most("p given right: its sum away from 1", abs(sure.sum() - 1), TOL),
            at_most("its ratios away from those of p", abs(sure[0] * p[1] - sure[1] * p[0]), TOL),
            at_most("largest rise of the chance of a right answer with t", np.diff(chances), 0),
            at_most(
                "rewards 1,000 apart: away from always the best answer",
                np.abs(gibbs(p, 1000.0 * np.arange(answers), temperature) - np.eye(answers)[-1]),
                0,
            ),
            at_most("D of p from itself", abs(nats(p, p)), 0),
        ),
        curves(
            "The colder, the more often right",
            "t",
            "chance of a right answer",
            {"best law": (cold, chances), "p": (cold, np.full(len(cold), 1 - wrong))},
        ),
    )


def objective(q: np.ndarray, p: np.ndarray, reward: np.ndarray, temperature: float) -> float:
    """Return the mean reward of q less the temperature times D(q || p)."""
    return float(q @ reward - temperature * nats(q, p))


@experiment(
    title="Rejection sampling and the best of n",
    statement=(
        "Draws from p that a checker accepts have the law of p given that the answer is right. The "
        "best of n independent draws by a reward without ties, with F_i the sum of p over all "
        "answers up to the i-th, the worst first, is the i-th with chance F_i^n - F_(i-1)^n. Its D "
        "from p is at most log n - (n - 1) / n, and comes close to it where each answer is rare. "
        "With a checker as the reward, it is right with chance 1 - (1 - a)^n, a that of one draw, "
        "and given that, it has the law of accepted draws."
    ),
    sources=(
        Source("tsemo", 631, "alignment is performed after pretraining"),
        Source("tsemo", 41, "appropriate alignment algorithms"),
    ),
    about=("accepted", "best_of", "alignment.nats", "chances_of_best", "most_nats"),
    reference="Beirami et al., Theoretical guarantees on the best-of-n alignment policy, 2024, "
    "arXiv:2401.01879",
    sabotage=Sabotage("the draws are not independent: each is repeated", {"repeated": 2}),
)
def rejection_and_best_of_n(
    *, repeated: int = 1, draws: int = 4, answers: int = 5, trials: int = 20_000, seed: int = 0
) -> Outcome:
    """`repeated` draws in a row are the same; `trials` times, the best of n `draws` is taken."""
    rng = seeds.generator("best of n", seed)
    p = rng.dirichlet(np.full(answers, 3.0))
    reward = rng.permutation(answers).astype(float)
    right = np.arange(answers) < 2
    drawn = rng.choice(answers, (trials, -(-draws // repeated)), p=p).repeat(repeated, axis=1)
    drawn = drawn[:, :draws]
    shares = np.bincount(drawn[np.arange(trials), reward[drawn].argmax(axis=1)], minlength=answers)
    firsts = drawn[:, 0][right[drawn[:, 0]]]
    law, sure = best_of(p, reward, draws), accepted(p, right)
    checked = best_of(p, right.astype(float), draws)
    fine = np.full(500, 1 / 500)
    numbers = np.arange(1, 21)
    many = [best_of(p, reward, int(n)) for n in numbers]
    spent = np.array([nats(q, p) for q in many])
    rare = np.array([nats(best_of(fine, np.arange(500.0), int(n)), fine) for n in numbers])
    bounds = most_nats(numbers)
    return Outcome(
        (
            at_most(
                "best of n: formula away from all n-tuples",
                apart(law, chances_of_best(p, reward, draws)),
                TOL,
            ),
            at_most(
                "the same with a checker",
                apart(checked, chances_of_best(p, right * 1.0, draws)),
                TOL,
            ),
            at_most("shares of best draws outside what chance allows", beyond(shares, law), 0),
            at_most(
                "shares of accepted draws outside it",
                beyond(np.bincount(firsts, minlength=answers), sure),
                0,
            ),
            at_most(
                "right with chance 1 - (1 - a)^n, away from it",
                abs(checked[right].sum() - 1 + (1 - p[right].sum()) ** draws),
                TOL,
            ),
            at_most(
                "given right, away from accepted draws",
                apart(checked[right] / checked[right].sum(), sure[right]),
                TOL,
            ),
            at_most(
                "D(best || p) over log n - (n - 1) / n, n > 1", spent[1:] / bounds[1:], 1 + TOL
            ),
            at_most(
                "D(accepted || p) away from -log a",
                abs(nats(sure, p) + np.log(p[right].sum())),
                TOL,
            ),
            at_most("D(best || p) for n = 1", abs(spent[0]), TOL),
            at_least("500 answers: D over its bound", rare[1:] / bounds[1:], 0.99),
            at_most("500 answers: the same", rare[1:] / bounds[1:], 1 + TOL),
        ),
        curves(
            "What the best of n costs",
            "n",
            "D(best || p), nats",
            {
                "these answers": (numbers, spent),
                "500 answers": (numbers, rare),
                "log n - (n - 1) / n": (numbers, bounds),
            },
        ),
    )


def most_nats(n: np.ndarray) -> np.ndarray:
    """Return log n - (n - 1) / n."""
    return np.log(n) - (n - 1) / n


def chances_of_best(p: np.ndarray, reward: np.ndarray, draws: int) -> np.ndarray:
    """Return the law of the best of n draws, by adding over all n-tuples; the first of several."""
    law = np.zeros(len(p))
    for row in itertools.product(range(len(p)), repeat=draws):
        several = list(row)
        law[several[int(reward[several].argmax())]] += np.prod(p[several])
    return law


def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the distances of entries."""
    return np.abs(one - other)


def beyond(counts: np.ndarray, law: np.ndarray) -> float:
    """Return how far shares lie outside the ranges that a law allows, 0 inside."""
    total = int(counts.sum())
    low, high = frequency_range(law, total)
    shares = counts / total
    return float(np.max(np.maximum(low - shares, shares - high), initial=0.0))
