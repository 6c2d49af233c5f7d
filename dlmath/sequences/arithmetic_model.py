r"""A language model of arithmetic: a small transformer that writes a proof after a proposition.

Tsemo, line 41: propositions with their proofs, in tokens, "learned using next-token prediction".
All layers are those of `dlmath.layers`, so all gradients are derived by hand. With e_j the
embedding of token j and p(t) the sines and cosines of place t, x_t = e_(j_t) + p(t) goes through
blocks of causal attention; a dense layer gives a logit for each token that may follow. Sines show
the way from one line of a proof to the next before anything is learnt: p(t + s) is a rotation of
p(t).
"""

from collections.abc import Sequence

import keras
import numpy as np

from dlmath import layers, seeds
from dlmath.sequences.arithmetic_terms import LARGEST
from dlmath.sequences.language_model import (
    Shape,
    Training,
    cross_entropy,
    logits_of,
    optimizer,
)

NOTHING, START = "nothing", "start"  # padding, and what stands in front of a document
WORDS = (NOTHING, START, *"=:;TFS+*", *map(str, range(LARGEST + 1)))
IDS = {word: number for number, word in enumerate(WORDS)}
ENDS = ("T", "F")
STEP = 16  # windows of generated text grow by so many tokens


SHAPE = Shape(len(WORDS), context=112, width=64)


class ProofWriter:
    """A language model that writes a proof after a proposition.

    Args:
        shape: How large it is; by default `SHAPE`.
        seed: Of the first weights, the order of documents and the texts it writes.
    """

    def __init__(self, shape: Shape | None = None, seed: int = 0):
        self.shape = shape or SHAPE
        self.seed = seed
        self.model = _built(self.shape, seed)

    def copy(self) -> "ProofWriter":
        """Return a model of its own with the same weights."""
        other = ProofWriter(self.shape, self.seed)
        other.model.set_weights(self.model.get_weights())
        return other

    def fit(
        self,
        documents: Sequence[Sequence[str]],
        steps: int,
        rate: float = 4e-3,
        batch: int = 8,
        purpose: str = "first",
    ) -> list[float]:
        """Train by next-token prediction; return the mean loss in nats of each tenth of the steps.

        A window begins with a document, so that each is seen from its proposition on. The rate
        rises over the first tenth of the steps and falls along a cosine to 0.

        Args:
            documents: Each a proposition with its proof, in words of `WORDS`.
            steps: Of AdamW.
            rate: The highest learning rate.
            batch: Windows a step.
            purpose: Names this training, for its random order.
        """
        rng = seeds.generator("arithmetic", purpose, self.seed)
        rows = packed(documents, steps * batch, self.shape.context + 1, rng)
        # Compiling by XLA takes longer than it saves for a model of this size.
        training = Training(steps, batch, rate, decay=0.01, undecayed=())
        self.model.compile(optimizer(training), cross_entropy(IDS[START]), jit_compile=False)
        losses = []
        for part in np.array_split(rows.reshape(steps, batch, -1), min(10, steps)):
            flat = part.reshape(-1, rows.shape[1])
            found = self.model.fit(
                flat[:, :-1], flat[:, 1:], batch, epochs=1, shuffle=False, verbose=0
            )
            losses.append(float(found.history["loss"][0]))
        return losses

    def write(
        self,
        prompts: Sequence[Sequence[str]],
        temperature: float = 0.0,
        purpose: str = "greedy",
    ) -> list[list[str]]:
        """Return each prompt with the text that the model writes after it, up to `T` or `F`.

        Args:
            prompts: A proposition and `:` each, in words.
            temperature: The most likely token if 0, else drawn by p_i ~ exp(logit_i / temperature).
            purpose: Names these draws.
        """
        rng = seeds.generator("proofs", purpose, self.seed)
        rows = np.zeros((len(prompts), self.shape.context), np.int32)
        lengths = np.array([len(prompt) + 1 for prompt in prompts])
        for row, prompt in zip(rows, prompts, strict=True):
            row[: len(prompt) + 1] = [IDS[word] for word in (START, *prompt)]
        open_rows = np.arange(len(prompts))
        while len(open_rows):
            window = STEP * -(-int(lengths[open_rows].max()) // STEP)
            logits = self.model.predict_on_batch(rows[open_rows, :window])
            last = logits[np.arange(len(open_rows)), lengths[open_rows] - 1].astype(np.float64)
            rows[open_rows, lengths[open_rows]] = _chosen(last, temperature, rng)
            lengths[open_rows] += 1
            written = rows[open_rows, lengths[open_rows] - 1]
            ended = np.isin(written, [IDS[word] for word in ENDS])
            open_rows = open_rows[~ended & (lengths[open_rows] < self.shape.context)]
        return [[WORDS[j] for j in row[1:n]] for row, n in zip(rows, lengths, strict=True)]


def packed(
    documents: Sequence[Sequence[str]], count: int, length: int, rng: np.random.Generator
) -> np.ndarray:
    """Return windows of documents in random order, each behind START, int32 (count, length).

    A window begins with a document; what does not fit at its end is cut off.
    """
    ids = [[IDS[word] for word in (START, *document)] for document in documents]
    rows = np.zeros((count, length), np.int32)
    order: list[int] = []
    for row in rows:
        filled: list[int] = []
        while len(filled) < length:
            order = order or list(rng.permutation(len(ids)))
            filled += ids[order.pop()]
        row[:] = filled[:length]
    return rows


def _built(shape: Shape, seed: int) -> keras.Model:
    """Return a model of the words, with the sines and cosines of the places added to them."""
    keras.utils.set_random_seed(seed)
    small = keras.initializers.RandomNormal(stddev=0.02)
    large = keras.initializers.RandomNormal(stddev=0.7)  # as large as the sines
    tokens = keras.Input((None,), dtype="int32")
    x = layers.Embedding(shape.size, shape.width, embeddings_initializer=large)(tokens)
    x = x + layers.SinePositionEncoding()(x)  # (N, T, D)
    return keras.Model(tokens, logits_of(x, shape, small))


def _chosen(logits: np.ndarray, temperature: float, rng: np.random.Generator) -> np.ndarray:
    """Return a token for each row of logits (N, V); the largest of logits plus Gumbel's noise."""
    if temperature == 0:
        return logits.argmax(axis=1)
    return (logits / temperature + rng.gumbel(size=logits.shape)).argmax(axis=1)
