"""The one loop over epochs and steps, around Keras's compiled train function.

Keras's own `fit` cannot start inside an epoch, so it cannot resume exactly. Here a batch is
a pure function of (seed, epoch, step), so only the position says what comes next, and every
callback of ours can hand out its state and take it back.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from dlmath.errors import DivergedError


@dataclass(frozen=True, order=True)
class Position:
    """The next step to run: `step` steps of epoch `epoch` are done, both counted from 0."""

    epoch: int = 0
    step: int = 0


class Callback:
    """What the loop tells as it goes. A subclass overrides what it wants to hear."""

    def on_step_end(self, position: Position, loss: Callable[[], float]) -> None:
        """Hear that a step is done; `loss()` is the epoch's mean so far and may wait for it."""

    def measure(self, logs: dict[str, float]) -> None:
        """Add to `logs` what is measured when an epoch's steps are done.

        Whatever interrupts it finds the training at the end of the epoch's steps, and it is
        measured again when the training goes on: it may change nothing.
        """

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Hear that an epoch is done and measured."""

    def wants_to_stop(self) -> bool:
        """Return whether training should end after this epoch."""
        return False

    def state(self) -> dict[str, Any]:
        """Return what must survive an interruption, as JSON-able values."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""


@dataclass
class Loop:
    """Trains a compiled model, epoch by epoch.

    Args:
        model: Compiled, with its optimizer built.
        batches: Maps (epoch, first step) to the data set of that epoch's remaining batches.
        epochs: Epochs to end at, at least 1.
        steps: Steps in an epoch, at least 1.
        callbacks: Called in order.
        observers: Keras callbacks that only watch, such as TensorBoard.
        strategy: The strategy under which the model was built.
        position: Where to begin.
    """

    model: keras.Model
    batches: Callable[[int, int], tf.data.Dataset]
    epochs: int
    steps: int
    callbacks: Sequence[Callback] = ()
    observers: Sequence[keras.callbacks.Callback] = ()
    strategy: tf.distribute.Strategy = field(default_factory=tf.distribute.get_strategy)
    position: Position = Position()
    loss: float | None = field(default=None, init=False)  # the epoch's mean so far

    def run(self) -> None:
        """Train to the end.

        Raises:
            DivergedError: The loss became NaN or infinite.
        """
        self.model.make_train_function()
        observers = keras.callbacks.CallbackList(
            list(self.observers), model=self.model, epochs=self.epochs, steps=self.steps
        )
        self.model.stop_training = False
        observers.on_train_begin()
        while self.position.epoch < self.epochs and not self._is_told_to_stop():
            self._run_epoch(observers)
        observers.on_train_end()

    def _run_epoch(self, observers: keras.callbacks.CallbackList) -> None:
        epoch = self.position.epoch
        if self.position.step == 0:
            self.model.reset_metrics()
        observers.on_epoch_begin(epoch)
        batches = self.batches(epoch, self.position.step)
        iterator = iter(self.strategy.experimental_distribute_dataset(batches))
        for step in range(self.position.step, self.steps):
            observers.on_train_batch_begin(step)
            result = self.model.train_function(iterator)
            observers.on_train_batch_end(step, result)
            self._end_step(result)
        # From the metrics, not from the last step: that may lie before an interruption.
        logs = {name: float(value) for name, value in self.model.get_metrics_result().items()}
        for callback in self.callbacks:
            callback.measure(logs)
        # Before the callbacks: a checkpoint made in one of them begins at the next epoch.
        self.position = Position(epoch + 1, 0)
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)
        observers.on_epoch_end(epoch, logs)

    def _end_step(self, result: dict[str, Any]) -> None:
        self.position = Position(self.position.epoch, self.position.step + 1)
        loss = result["loss"]
        self._check_no_divergence(float(loss))
        for callback in self.callbacks:
            callback.on_step_end(self.position, lambda: float(loss))

    def _check_no_divergence(self, loss: float) -> None:
        """End the training at the very step, so that its batch can be named."""
        if not math.isfinite(loss):
            before = "" if self.loss is None else f", from {self.loss:.4g} a step before"
            raise DivergedError(
                f"The loss became {loss} in epoch {self.position.epoch + 1} at step "
                f"{self.position.step} of {self.steps}{before}."
            )
        self.loss = loss

    def _is_told_to_stop(self) -> bool:
        return self.model.stop_training or any(c.wants_to_stop() for c in self.callbacks)

    def state(self) -> dict[str, Any]:
        """Return the position and the state of each callback, as JSON-able values."""
        return {
            "epoch": self.position.epoch,
            "step": self.position.step,
            "callbacks": {type(c).__name__: c.state() for c in self.callbacks},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.position = Position(state["epoch"], state["step"])
        for callback in self.callbacks:
            callback.restore(state["callbacks"].get(type(callback).__name__, {}))
