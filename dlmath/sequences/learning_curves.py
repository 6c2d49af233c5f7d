"""How the loss of networks of equal size falls on a task: recurrent layers, a block of attention.

All networks are causal maps (N, T, D) -> (N, T, K) with about the same number of weights, and take
the same steps of Adam on the same sequences. The recurrent ones are a layer and a dense one. The
block of attention has a dense layer and sines of the position in front, so that it knows where it
is, and its width is even for its two heads.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from dlmath import layers, seeds
from dlmath.sequences.tasks import Batch, Task

RECURRENT = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}  # blocks of weights
ATTENTION = "attention"
NETWORKS = (*RECURRENT, ATTENTION)
HEADS = 2
TESTED = 500  # sequences


@dataclass(frozen=True)
class Training:
    """What all networks have in common.

    Attributes:
        weights: The most that a network may have; it is as wide as they permit.
        steps: Of Adam.
        batch: Sequences for each.
        rate: Of the steps.
        every: Steps from one test to the next; divides `steps`.
    """

    weights: int = 4_000
    steps: int = 1_000
    batch: int = 32
    rate: float = 3e-3
    every: int = 50


@dataclass(frozen=True)
class Curve:
    """A training's course.

    Attributes:
        width: Of the network.
        weights: Their number.
        steps: After which it was tested, from 0.
        losses: On the same new sequences each time.
    """

    width: int
    weights: int
    steps: tuple[int, ...]
    losses: tuple[float, ...]

    def steps_to(self, loss: float) -> int | None:
        """Return after how many steps a test first gave this loss or less; None if none did."""
        return next(
            (s for s, one in zip(self.steps, self.losses, strict=True) if one <= loss), None
        )


def weights_of(network: str, width: int, inputs: int, outputs: int) -> int:
    """Return the number of weights of a network."""
    answer = outputs * (width + 1)
    if network == ATTENTION:
        entry, attention, norms = inputs * width + width, 4 * width * (width + 1), 4 * width
        return entry + attention + norms + 4 * width**2 + 3 * width + answer
    biases = 2 if network == "GRU" else 1
    return RECURRENT[network] * width * (inputs + width + biases) + answer


def width_within(network: str, weights: int, inputs: int, outputs: int) -> int:
    """Return the largest width with at most so many weights; a multiple of `HEADS` for attention.

    Raises:
        ValueError: No width has as few.
    """
    step = HEADS if network == ATTENTION else 1
    width = 0
    while weights_of(network, width + step, inputs, outputs) <= weights:
        width += step
    if not width:
        raise ValueError(f"`weights` are too few for {network}. Received: weights={weights}")
    return width


def built(network: str, width: int, length: int, task: Task, seed: int) -> keras.Model:
    """Return a network with its first weights, for sequences of T = `length` steps."""
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((length, task.inputs))
    if network == ATTENTION:
        x = layers.Dense(width)(x)
        x = x + layers.SinePositionEncoding()(x)
        x = layers.TransformerDecoder(2 * width, HEADS, normalize_first=True)(x)
    else:
        x = getattr(layers, network)(width, return_sequences=True)(x)
    return keras.Model(inputs, layers.Dense(task.outputs)(x))


def learning_curve(
    network: str, task: Task, length: int, training: Training, seed: int = 0
) -> Curve:
    """Train a network on new sequences at every step, and return how its loss falls.

    Sequences depend on the task, the length and the seed: all networks see the same ones.
    """
    width = width_within(network, training.weights, task.inputs, task.outputs)
    tested = task.draw(length, TESTED, seeds.generator("tested", task.name, length, seed))
    model = built(network, width, tested.inputs.shape[1], task, seed)
    optimizer = keras.optimizers.Adam(training.rate, clipnorm=1.0)
    optimizer.build(model.trainable_variables)
    learn, test = _learning(model, optimizer, task), _testing(model, task)
    losses = [test(tested)]
    rng = seeds.generator("learnt", task.name, length, seed)
    steps = range(0, training.steps + 1, training.every)
    for _ in steps[1:]:
        learn(task.draw(length, training.every * training.batch, rng), training.batch)
        losses.append(test(tested))
    return Curve(width, model.count_params(), tuple(steps), tuple(losses))


def _loss(model: keras.Model, task: Task, inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Return the mean loss of the answers, which are the model's last."""
    answers = model(inputs)[:, -targets.shape[1] :]
    if task.tokens:
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, answers))
    return tf.reduce_mean((answers - targets) ** 2)


def _learning(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, task: Task
) -> Callable[[Batch, int], None]:
    """Return a function that takes a step for each so many sequences, in one graph."""

    @tf.function
    def steps(inputs: tf.Tensor, targets: tf.Tensor) -> None:
        for number in tf.range(len(inputs)):
            with tf.GradientTape() as tape:
                loss = _loss(model, task, inputs[number], targets[number])
            weights = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

    def learn(drawn: Batch, batch: int) -> None:
        steps(*(tf.constant(_in_batches(one, batch)) for one in (drawn.inputs, drawn.targets)))

    return learn


def _in_batches(rows: np.ndarray, batch: int) -> np.ndarray:
    return rows.reshape(-1, batch, *rows.shape[1:])


def _testing(model: keras.Model, task: Task) -> Callable[[Batch], float]:
    """Return the function that gives the loss on a batch."""
    test = tf.function(lambda inputs, targets: _loss(model, task, inputs, targets))
    return lambda drawn: float(test(tf.constant(drawn.inputs), tf.constant(drawn.targets)))
