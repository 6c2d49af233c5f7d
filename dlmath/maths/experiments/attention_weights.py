"""Attention's weights: means of the values, permutations, and sentences as bags of words."""

from itertools import permutations

import numpy as np
from scipy.optimize import nnls
from scipy.special import expit

from dlmath import seeds
from dlmath.maths.attention import Block, attend, before, random_block, sines
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import sequences

EPS = float(np.finfo(float).eps)


def distance_to_hull(point: np.ndarray, corners: np.ndarray) -> float:
    """Return a bound on the distance of a point (e,) to the convex hull of corners (n, e).

    Nonnegative least squares with one more coordinate that is 1 for all: where the residual is 0
    the weights sum to 1.
    """
    return float(nnls(np.c_[corners, np.ones(len(corners))].T, np.append(point, 1.0))[1])


@experiment(
    title="Attention returns convex combinations of the values",
    statement=(
        "The weights of a query are positive, sum to 1, and are in proportion to e^score, scores "
        "<q, k> / sqrt(d); those of masked keys are 0. So its output lies in the convex hull of "
        "the values that it may look at: in no direction is it beyond the farthest of them. Every "
        "mean with positive weights w occurs, at scores log w. As the scores grow, the output "
        "goes to the value of the largest: within e^(-gap to the second) times the number of the "
        "others times the largest distance to that value. With a causal mask the first output is "
        "the first value."
    ),
    sources=(
        Source("tsemo", 588, "Attention Mechanism"),
        Source("murari", 493, "Transformers"),
    ),
    about=("attend", "before", "network.softmax"),
    reference="Bahdanau, Cho and Bengio, arXiv:1409.0473; Vaswani et al., arXiv:1706.03762",
    sabotage=Sabotage("the scores are the weights, without a softmax", {"weights": "scores"}),
)
def attention_stays_in_the_hull(
    *, weights: str = "softmax", keys: int = 8, seed: int = 0
) -> Outcome:
    """`weights` is softmax or scores; the values of the `keys` are points in space."""
    rng = seeds.generator("hull", seed)
    q, k, v = rng.normal(size=(40, 5)), rng.normal(size=(keys, 5)), rng.normal(size=(keys, 3))
    allowed = rng.random((40, keys)) < 0.6
    allowed[np.arange(40), rng.integers(0, keys, 40)] = True
    scores = np.einsum("td,sd->ts", q, k) / np.sqrt(5)
    outputs, shares = attend(q, k, v, allowed=allowed)
    if weights == "scores":
        shares = np.where(allowed, scores, 0.0)
        outputs = shares @ v
    powers = np.where(allowed, np.exp(scores), 0.0)
    ways = rng.normal(size=(200, 3))
    reach = np.where(allowed[:, :, np.newaxis], v @ ways.T, -np.inf).max(axis=1)
    wanted = rng.dirichlet(np.ones(keys))
    met = attend(np.ones((1, 1)), np.log(wanted)[:, np.newaxis], v)[0].squeeze(axis=0)
    sharp = attend(20 * q, k, v)[0]
    top = v[scores.argmax(axis=1)]
    second, first = np.sort(20 * scores, axis=1)[:, -2:].T
    reached = np.linalg.norm(v - top[:, np.newaxis], axis=2).max(axis=1)
    causal, triangle = attend(q[:keys], k, v, allowed=before(keys))
    return Outcome(
        (
            at_most("weights of masked keys", np.abs(shares[~allowed]), 0),
            at_least("weights of the others", shares[allowed], 1e-300),
            at_most("sum of the weights, away from 1", abs(shares.sum(axis=1) - 1), keys * EPS),
            at_most(
                "weights away from e^score over their sum",
                np.abs(shares - powers / powers.sum(axis=1, keepdims=True)).max(),
                1e-14,
            ),
            at_most(
                "output beyond the values, in 200 ways", (outputs @ ways.T - reach).max(), 1e-13
            ),
            at_most(
                "distance to the hull of the values",
                (distance_to_hull(o, v[seen]) for o, seen in zip(outputs, allowed, strict=True)),
                1e-13,
            ),
            at_most("given weights: output away from their mean", abs(met - wanted @ v), 1e-14),
            at_most(
                "scores 20 times as large: distance to the value of the largest, less its bound",
                np.linalg.norm(sharp - top, axis=1) - (keys - 1) * np.exp(second - first) * reached,
                1e-14,
            ),
            at_most("causal: first output away from the first value", abs(causal[0] - v[0]), 0),
            at_most(
                "causal: weights of later keys", np.abs(triangle[~np.tri(keys, dtype=bool)]), 0
            ),
            at_least("causal: weights of the others", triangle[np.tri(keys, dtype=bool)], 1e-300),
        ),
        sequences(
            "How far the first output lies in 200 directions",
            "direction, by the farthest value",
            "distance",
            {
                "output": (outputs @ ways.T)[0, reach[0].argsort()],
                "farthest value": np.sort(reach[0]),
            },
        ),
    )


def word_by_word(block: Block, rows: np.ndarray) -> np.ndarray:
    """Return what `Block.attended` does, (T, D), with each sum over words written out."""
    q, k, v = block.query, block.key, block.value
    found = []
    for x in rows:
        powers = [np.exp((x @ q) @ (y @ k) / np.sqrt(q.shape[1])) for y in rows]
        means = [p * (y @ v) for p, y in zip(powers, rows, strict=True)]
        found.append(np.sum(means, axis=0) / np.sum(powers) @ block.linear)
    return np.array(found)


def standardised(rows: np.ndarray) -> np.ndarray:
    """Return `layer_norm` of real rows (N, D) by NumPy's mean and standard deviation."""
    return np.array([(row - np.mean(row)) / np.std(row) for row in rows])


@experiment(
    title="Attention commutes with permutations, and not with a causal mask",
    statement=(
        "Without positions and masks a transformer's blocks take permuted tokens to the outputs "
        "permuted in the same way, and the order of keys, with their values, is of no effect. "
        "With a causal mask that fails: of two tokens the first has the output v_1, and in the "
        "second place w v_1 + (1 - w) v_2, with w the logistic function of the difference of "
        "its two scores. With positions it fails too: a token that is repeated has one output, "
        "and with positions e_1 and e_2 that are added two, which differ by (p_11 - p_21) (e_1 - "
        "e_2), p the weights, where values are the tokens themselves."
    ),
    sources=(
        Source("tsemo", 605, "Transformer"),
        Source("murari", 84, "Transformers"),
        Source("murari", 493, "Transformers"),
    ),
    about=("attend", "before", "attention.Block", "sines"),
    reference="Lee et al., Set transformer, arXiv:1810.00825, property 1",
    sabotage=Sabotage("there is a causal mask", {"causal": True}),
)
def attention_commutes_with_permutations(
    *, causal: bool = False, tokens: int = 9, blocks: int = 3, seed: int = 0
) -> Outcome:
    """`tokens` of width 6 go through a number of `blocks`."""
    rng = seeds.generator("permutations", seed)
    stack = [random_block(rng, 6) for _ in range(blocks)]
    rows = rng.normal(size=(tokens, 6))
    mask = before(tokens) if causal else None

    def through(x: np.ndarray) -> np.ndarray:
        for block in stack:
            x = block(x, mask)
        return x

    orders = [rng.permutation(tokens) for _ in range(20)]
    plain = through(rows)
    moved = [np.abs(through(rows[order]) - plain[order]).max() for order in orders]
    q, k, v = rng.normal(size=(3, tokens, 6))
    shuffled = [
        np.abs(attend(q, k[order], v[order])[0] - attend(q, k, v)[0]).max() for order in orders
    ]
    two = np.eye(2)
    share = expit(2**-0.5)  # of itself: its scores are 1 / sqrt(2) and 0
    late, early = (attend(x, x, x, allowed=before(2))[0] for x in (two[::-1], two))
    placed = rows[0] + sines(np.arange(2), 6)
    same, apart = (attend(x, x, x) for x in (np.tile(rows[0], (2, 1)), placed))
    turned = np.sin(1e4 ** (-np.arange(3) / 3)), np.cos(1e4 ** (-np.arange(3) / 3)) - 1
    step = -np.stack(turned, axis=1).ravel()  # e_1 - e_2 by its formula
    return Outcome(
        (
            at_most("outputs of permuted tokens, away from the permuted outputs", moved, 1e-10),
            at_most(
                "outputs of a block away from the sums word by word",
                np.abs(stack[0](rows) - standardised(rows + word_by_word(stack[0], rows))).max(),
                1e-13,
            ),
            at_most("outputs with keys and values permuted, away from before", shuffled, 1e-13),
            at_most("causal: first of two, away from its value", np.abs(early[0] - two[0]), 0),
            at_most(
                "causal: in the second place, away from w v_1 + (1 - w) v_2",
                np.abs(late[1] - (share * two[0] + (1 - share) * two[1])),
                4 * EPS,
            ),
            at_least("causal: distance of the two", np.linalg.norm(late[1] - early[0]), 0.46),
            at_least(
                "repeated token with positions: distance of the outputs",
                np.linalg.norm(apart[0][0] - apart[0][1]),
                1e-6,
            ),
            at_most("repeated token: outputs apart", np.abs(np.diff(same[0], axis=0)), 8 * EPS),
            at_most(
                "repeated token with positions: outputs apart, away from the formula",
                np.abs(apart[0][0] - apart[0][1] - (apart[1][0, 0] - apart[1][1, 0]) * step),
                1e-14,
            ),
        ),
        sequences(
            "Permuted tokens: outputs away from the permuted ones",
            "permutation",
            "difference",
            {"difference": moved},
            log=True,
        ),
    )


@experiment(
    title="Without positions a sentence is a bag of words",
    statement=(
        "The mean of a transformer's outputs over the words of a sentence is the same for all "
        "orders of its words, whatever the weights, so that no classifier of that mean tells "
        "'dog bites man' from 'man bites dog'. With sinusoidal positions added to the words all "
        "orders of different words have different means, for almost all weights."
    ),
    sources=(
        Source("tsemo", 604, "depends on the entire sentence"),
        Source("murari", 493, "Transformers"),
    ),
    about=("compute.pooled", "attention.Block"),
    reference="Vaswani et al., arXiv:1706.03762, section 3.5; Zaheer et al., Deep sets, "
    "arXiv:1703.06114",
    sabotage=Sabotage("positions are added to the words", {"positions": True}),
)
def sentences_are_bags_of_words(
    *, positions: bool = False, words: int = 5, seed: int = 0
) -> Outcome:
    """`words` of width 6, in all their orders, go through three blocks."""
    rng = seeds.generator("bags", seed)
    stack = [random_block(rng, 6) for _ in range(3)]
    embeddings = rng.normal(size=(words, 6))
    places = sines(np.arange(words), 6)
    orders = [list(order) for order in permutations(range(words))]

    def pooled(rows: np.ndarray) -> np.ndarray:
        for block in stack:
            rows = block(rows)
        return rows.mean(axis=0)

    bags, ordered = (
        np.array([pooled(embeddings[order] + shift * places) for order in orders])
        for shift in (float(positions), 1.0)
    )
    by_words = embeddings
    for block in stack:
        by_words = standardised(by_words + word_by_word(block, by_words))
    unlike = pooled(np.vstack([embeddings[:-1], embeddings[:1]]))
    return Outcome(
        (
            at_most("means of two orders apart", np.ptp(bags, axis=0), 1e-12),
            at_most(
                "their mean away from the sums word by word",
                np.abs(by_words.mean(axis=0) - bags[0]),
                1e-12,
            ),
            at_least("other words: distance of the mean", np.abs(unlike - bags[0]).max(), 1e-6),
            at_least("with positions: least distance of two orders", _nearest(ordered), 1e-9),
        ),
        sequences(
            "First coordinate of the mean, by the order of the words",
            "number of the order",
            "coordinate",
            {"as run": bags[:, 0], "with positions": ordered[:, 0]},
        ),
    )


def _nearest(points: np.ndarray) -> float:
    """Return the least distance of two of the points (N, d)."""
    gaps = np.linalg.norm(points[:, np.newaxis] - points, axis=2)
    return float(gaps[~np.eye(len(points), dtype=bool)].min())
