r"""A language model: a small transformer that gives the law of each token after those before it.

Tsemo, section 7 (line 630): tokens, embeddings, a transformer, the cross-entropy of the next token.
With e_j the embedding of token j and p_t that of place t, x_t = e_(j_t) + p_t goes through blocks
of causal attention, and a dense layer gives a logit for each token that may follow. All layers are
those of `dlmath.layers`, so all gradients are derived by hand.

Documents are joined, each with a sign in front that is read and never predicted. The model learns
from windows of that stream.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from dlmath import layers, seeds
from dlmath.errors import UserError

IGNORED = -1  # the target where nothing is predicted


@dataclass(frozen=True)
class Shape:
    """How large a model is.

    Attributes:
        size: Number V of tokens that may follow, 0..V-1.
        context: Number T of tokens that it sees, itself included, when it predicts the next.
        width: Of embeddings and blocks, a multiple of `heads`.
        blocks: Number of transformer blocks.
        heads: Of attention, in each block.
        dropout: Share dropped in training, in 0..1.
    """

    size: int
    context: int = 64
    width: int = 128
    blocks: int = 2
    heads: int = 4
    dropout: float = 0.1


@dataclass(frozen=True)
class Training:
    """How a model is trained.

    Attributes:
        steps: Of AdamW.
        batch: Windows a step.
        rate: The highest learning rate; it rises over the first tenth of the steps and falls along
            a cosine to 0.
        decay: Weight decay.
        undecayed: Names of weights that do not decay; by default those that shift or scale.
    """

    steps: int = 500
    batch: int = 16
    rate: float = 3e-3
    decay: float = 0.1
    undecayed: tuple[str, ...] = ("bias", "beta", "gamma", "embeddings")


def built(shape: Shape, seed: int = 0) -> keras.Model:
    """Return a model with its first weights: tokens (N, T) to logits (N, T, V).

    The token V stands in front of a document. Sets the global seeds of Keras, NumPy and Python.
    """
    keras.utils.set_random_seed(seed)
    small = keras.initializers.RandomNormal(stddev=0.02)
    tokens = keras.Input((None,), dtype="int32")
    x = layers.Embedding(shape.size + 1, shape.width, embeddings_initializer=small)(tokens)
    x = x + layers.PositionEmbedding(shape.context, initializer=small)(x)  # (N, T, D)
    x = layers.Dropout(shape.dropout)(x)
    return keras.Model(tokens, logits_of(x, shape, small))


def logits_of(
    x: keras.KerasTensor, shape: Shape, initializer: keras.initializers.Initializer
) -> keras.KerasTensor:
    """Apply the blocks and the last layer: embedded tokens (N, T, D) to logits (N, T, V)."""
    for _ in range(shape.blocks):
        x = layers.TransformerDecoder(
            4 * shape.width, shape.heads, shape.dropout, "gelu", normalize_first=True
        )(x)
    x = layers.LayerNormalization()(x)
    return layers.Dense(shape.size, kernel_initializer=initializer)(x)


class LanguageModel:
    """A trained model, with the loss it has on documents and the texts it writes.

    Args:
        shape: How large it is.
        model: As `built` returns it.
    """

    def __init__(self, shape: Shape, model: keras.Model):
        self.shape = shape
        self.model = model

    def losses(self, document: Sequence[int], batch: int = 32) -> np.ndarray:
        """Return -log p of each token of a document after those before it, in nats, (T,).

        Windows overlap by half: a token is predicted from at least half a context, or from all
        tokens before it where there are fewer.

        Args:
            document: Tokens.
            batch: Windows at once, which changes nothing but the time.
        """
        length, step = self.shape.context, max(self.shape.context // 2, 1)
        stream = np.array([self.shape.size, *document], np.int32)
        starts = np.arange(0, max(len(document) - length + step, 1), step)
        padded = np.pad(stream, (0, length + step))
        windows = padded[starts[:, np.newaxis] + np.arange(length)]  # (windows, length)
        followers = padded[starts[:, np.newaxis] + np.arange(1, length + 1)]
        found = np.concatenate(
            [
                self._losses_of(windows[first : first + batch], followers[first : first + batch])
                for first in range(0, len(windows), batch)
            ]
        )
        new = [found[0], *found[1:, length - step :]]
        return np.concatenate(new)[: len(document)]

    def _losses_of(self, windows: np.ndarray, followers: np.ndarray) -> np.ndarray:
        logits = self.model.predict_on_batch(windows).astype(np.float64)
        # The first token of the next document is 0 where padding follows: it is cut off later.
        picked = np.take_along_axis(logits, followers[..., np.newaxis], axis=-1)[..., 0]
        return _log_sum_exp(logits) - picked

    def sample(
        self,
        prompt: Sequence[int],
        count: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        seed: int = 0,
    ) -> list[int]:
        """Return tokens that the model writes after a prompt.

        Each is drawn by p_i ~ exp(logit_i / temperature) among the `top_k` most likely.

        Args:
            prompt: Tokens that open a document, not returned.
            count: How many to draw.
            temperature: Above 0; towards 0 the most likely token is taken.
            top_k: All tokens if None.
            seed: Of the draws.

        Raises:
            UserError: The temperature is not above 0, or `top_k` is less than 1.
        """
        if not temperature > 0:
            raise UserError(f"`temperature` must be above 0. Received: temperature={temperature}")
        if top_k is not None and top_k < 1:
            raise UserError(f"`top_k` must be at least 1, or None. Received: top_k={top_k}")
        rng = seeds.generator("text", seed)
        stream = [self.shape.size, *prompt]
        for _ in range(count):
            seen = stream[-self.shape.context :]
            window = np.zeros((1, self.shape.context), np.int32)
            window[0, : len(seen)] = seen  # what stands behind them, a causal model does not see
            logits = self.model.predict_on_batch(window)[0, len(seen) - 1].astype(np.float64)
            stream.append(int(rng.choice(self.shape.size, p=law(logits, temperature, top_k))))
        return stream[1 + len(prompt) :]


def trained(
    documents: Iterable[Sequence[int]], shape: Shape, training: Training, seed: int = 0
) -> LanguageModel:
    """Return a model that was trained on documents.

    Args:
        documents: Tokens 0..V-1 of each.
        shape: How large the model is.
        training: How it is trained.
        seed: Of the first weights, the windows and the dropout.

    Raises:
        UserError: The documents have fewer tokens than a window.
    """
    stream = np.array([t for one in documents for t in (shape.size, *one)], np.int32)
    if len(stream) <= shape.context:
        raise UserError(
            f"The documents must have more than {shape.context} tokens, the context. Received: "
            f"{len(stream)} tokens. Choose a shorter context, or give more text."
        )
    model = built(shape, seed)
    model.compile(optimizer(training), cross_entropy(IGNORED))
    model.fit(_Windows(stream, shape, training, seed), epochs=1, shuffle=False, verbose=0)
    return LanguageModel(shape, model)


def law(logits: np.ndarray, temperature: float, top_k: int | None = None) -> np.ndarray:
    """Return the probabilities p_i ~ exp(logit_i / temperature) of the `top_k` largest, (V,)."""
    kept = logits
    if top_k is not None and top_k < len(logits):
        least = np.sort(logits)[-top_k]
        kept = np.where(logits >= least, logits, -np.inf)
    weights = np.exp((kept - kept.max()) / temperature)
    return weights / weights.sum()


class _Windows(keras.utils.PyDataset):
    """Batches of windows of a stream of tokens, each a function of the seed and the step."""

    def __init__(self, stream: np.ndarray, shape: Shape, training: Training, seed: int):
        super().__init__()
        self.stream, self.shape, self.training, self.seed = stream, shape, training, seed

    def __len__(self) -> int:
        return self.training.steps

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        rng = seeds.generator("windows", self.seed, step)
        starts = rng.integers(0, len(self.stream) - self.shape.context, self.training.batch)
        rows = self.stream[starts[:, np.newaxis] + np.arange(self.shape.context + 1)]
        targets = np.where(rows[:, 1:] == self.shape.size, IGNORED, rows[:, 1:])
        return rows[:, :-1], targets


def optimizer(training: Training) -> keras.optimizers.Optimizer:
    """Return AdamW with the schedule of a training, gradients clipped at norm 1."""
    warm = max(training.steps // 10, 1)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(training.steps - warm, 1), warmup_target=training.rate, warmup_steps=warm
    )
    found = keras.optimizers.AdamW(
        rate, weight_decay=training.decay, beta_2=0.98, global_clipnorm=1.0
    )
    if training.undecayed:
        found.exclude_from_weight_decay(var_names=list(training.undecayed))
    return found


def cross_entropy(
    ignored: int,
) -> Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]:
    """Return the loss of each place in nats, 0 where the target is `ignored`."""

    def loss(targets: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        return keras.losses.sparse_categorical_crossentropy(
            targets, logits, from_logits=True, ignore_class=ignored
        )

    return loss


def _log_sum_exp(logits: np.ndarray) -> np.ndarray:
    highest = logits.max(axis=-1)
    return highest + np.log(np.exp(logits - highest[..., np.newaxis]).sum(axis=-1))
