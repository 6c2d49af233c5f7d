"""The paper's word with two meanings, which a trained block of attention tells apart."""

from itertools import product
from typing import Any

import numpy as np
from scipy.special import expit

from dlmath import seeds
from dlmath.maths.attention import attend, attention_gradients
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import sequences

WHO = ("he", "she", "they")
# Verbs, the words up to the bank, those after it, and nouns at the end.
MONEY = (("went", "walked", "drove"), "to the bank", "to get", ("money", "cash", "coins"))
RIVER = (("sat", "stood", "rested"), "by the bank", "of the", ("river", "stream", "lake"))
Parameters = tuple[np.ndarray, ...]


def sentences(meaning: tuple) -> list[list[str]]:
    """Return the 27 sentences of 8 words of a meaning, the third word after the verb is "bank"."""
    verbs, up_to, after, nouns = meaning
    return [
        f"{who} {verb} {up_to} {after} {noun}".split()
        for who, verb, noun in product(WHO, verbs, nouns)
    ]


def vocabulary() -> dict[str, int]:
    """Return the number of each word of the sentences."""
    words = sorted({word for one in sentences(MONEY) + sentences(RIVER) for word in one})
    return {word: number for number, word in enumerate(words)}


def own_words(shape: tuple[int, ...], place: int, *, looks: bool) -> np.ndarray:
    """Return which words a sentence looks at, bool (N, N T): its own, or only that at the place."""
    count, length = shape
    seen = looks | (np.arange(length) == place)
    return np.kron(np.eye(count), seen) > 0


def logits(parameters: Parameters, tokens: np.ndarray, place: int, looks: bool) -> np.ndarray:
    """Return <w, z> (N,) of sentences (N, T), z the output of attention at a place.

    Args:
        parameters: Embeddings (V, D), W_q, W_k and W_v (D, D), and w (D,).
        tokens: Numbers of the words.
        place: Of the word that is looked at.
        looks: Whether it looks at the other words, or only at itself.
    """
    embeddings, q, k, v, w = parameters
    x, at = embeddings[tokens.ravel()], embeddings[tokens[:, place]]
    allowed = own_words(tokens.shape, place, looks=looks)
    return attend(at @ q, x @ k, x @ v, allowed=allowed)[0] @ w


def loss_gradient(
    parameters: Parameters, tokens: np.ndarray, labels: np.ndarray, place: int, looks: bool
) -> Parameters:
    """Return the gradients of the mean logistic loss, in the order of the parameters.

    With s the logistic function, dL/dlogit = s(logit) - label; below that the adjoints of the
    linear maps, and `attention_gradients`.

    Args:
        parameters: As in `logits`.
        tokens: (N, T).
        labels: 0 or 1, (N,).
        place: As in `logits`.
        looks: As in `logits`.
    """
    embeddings, q, k, v, w = parameters
    x, at = embeddings[tokens.ravel()], embeddings[tokens[:, place]]
    queries, keys, values = at @ q, x @ k, x @ v
    allowed = own_words(tokens.shape, place, looks=looks)
    z, weights = attend(queries, keys, values, allowed=allowed)
    of_logits = (expit(z @ w) - labels) / len(labels)
    dq, dk, dv = attention_gradients(queries, keys, values, weights, np.outer(of_logits, w))
    of_embeddings = np.zeros(embeddings.shape)
    np.add.at(of_embeddings, tokens.ravel(), dk @ k.T + dv @ v.T)
    np.add.at(of_embeddings, tokens[:, place], dq @ q.T)
    return of_embeddings, at.T @ dq, x.T @ dk, x.T @ dv, z.T @ of_logits


def logistic(found: np.ndarray, labels: np.ndarray) -> Any:
    """Return the mean of log(1 + e^-z) for label 1 and of log(1 + e^z) for 0; also complex."""
    return np.mean(np.log1p(np.exp(np.where(labels == 1, -found, found))))


@experiment(
    title="A word between two meanings, told apart by its context",
    statement=(
        "'He went to the bank to get money', 'he sat by the bank of the river': the vector of "
        "'bank' is one and the same, so that a classifier of it is right exactly half of the "
        "time, with a loss of at least log 2. The output of attention at 'bank' depends on the "
        "other words: trained on two thirds of the sentences of these two templates, by "
        "gradients written by hand, one head is right about all others, whose combinations of "
        "words it has not seen. The same words in another order give the same output."
    ),
    sources=(
        Source("tsemo", 597, "The word bank has different meanings in each sentence"),
        Source("tsemo", 604, "depends on the entire sentence"),
    ),
    about=("logits", "loss_gradient", "attend", "attention_gradients", "logistic"),
    reference="Vaswani et al., arXiv:1706.03762; Peters et al., Deep contextualized word "
    "representations, arXiv:1802.05365",
    sabotage=Sabotage("the word looks only at itself", {"looks": False}),
)
def two_banks(*, looks: bool = True, steps: int = 300, width: int = 4, seed: int = 0) -> Outcome:
    """`steps` of gradient descent at the rate 1/2; vectors have `width` entries."""
    rng = seeds.generator("two banks", seed)
    numbers = vocabulary()
    texts = sentences(MONEY) + sentences(RIVER)
    tokens = np.array([[numbers[word] for word in one] for one in texts])
    place, labels = texts[0].index("bank"), np.repeat([0, 1], 27)
    # Who, verb and noun of a sentence that is left out have numbers whose sum is divisible by 3.
    left_out = np.array([sum(key) % 3 == 0 for key in product(range(3), repeat=3)] * 2)
    parameters: Parameters = (
        rng.normal(size=(len(numbers), width)),
        *rng.normal(size=(3, width, width)) / np.sqrt(width),
        rng.normal(size=width),
    )
    ways = [rng.normal(size=part.shape) for part in parameters]
    moved = tuple(a + 1e-20j * way for a, way in zip(parameters, ways, strict=True))
    slope = np.imag(logistic(logits(moved, tokens, place, looks), labels)) / 1e-20
    first = loss_gradient(parameters, tokens, labels, place, looks)
    by_hand = sum(np.sum(g * way) for g, way in zip(first, ways, strict=True))
    losses = []
    for _ in range(steps):
        seen = tokens[~left_out], labels[~left_out]
        losses.append(logistic(logits(parameters, seen[0], place, looks), seen[1]))
        gradients = loss_gradient(parameters, *seen, place, looks)
        parameters = tuple(a - 0.5 * g for a, g in zip(parameters, gradients, strict=True))
    found = logits(parameters, tokens[left_out], place, looks)
    others = np.delete(np.arange(8), place)
    mixed = tokens[left_out]
    mixed[:, others] = mixed[:, rng.permutation(others)]
    own = parameters[0][tokens[left_out, place]] @ rng.normal(size=width)
    right = np.mean((found > 0) == labels[left_out])
    chance = np.mean((own > 0) == labels[left_out])
    return Outcome(
        (
            at_least("attention: accuracy on the sentences left out", right, 1),
            at_most("the word's own vector: accuracy away from 1/2", abs(chance - 0.5), 0),
            at_least("its loss", logistic(own, labels[left_out]), np.log(2) - 1e-15),
            at_most("loss of attention, trained, over log 2", losses[-1] / np.log(2), 0.5),
            at_most(
                "other words in another order: change of the output",
                np.abs(logits(parameters, mixed, place, looks) - found),
                1e-12,
            ),
            at_most("gradient by hand away from a complex step", abs(by_hand - slope), 1e-14),
        ),
        sequences(
            "Loss over the sentences that it learns from",
            "step",
            "loss",
            {"attention" if looks else "as run": losses, "log 2": np.full(steps, np.log(2))},
        ),
    )
