"""Timing of single stages, with which a whole training is estimated."""

import time
from collections.abc import Callable

import keras
import numpy as np

from dlmath.data.pipeline import steps_per_epoch, training_batches
from dlmath.data.rows import Rows
from dlmath.recipe import Recipe
from dlmath.training.devices import DeviceConfig
from dlmath.training.loop import Callback, Loop, Position

STEPS = 6


def time_of_steps(
    model: keras.Model, images: Rows, labels: np.ndarray, recipe: Recipe, device: DeviceConfig
) -> float:
    """Run some steps of the training loop, and return the seconds of one.

    Args:
        model: The compiled model, whose weights change.
        images: The images of the sample, or their activations.
        labels: (N,) their class indices.
        recipe: The recipe.
        device: The device and its strategy.
    """
    one_hot = np.eye(len(recipe.classes), dtype=np.float32)[labels]
    measured = steps_per_epoch(len(one_hot), recipe.batch_size)
    clock = _Clock()
    Loop(
        model=model,
        batches=lambda epoch, _: training_batches(
            images, one_hot, recipe, epoch=epoch, are_pixels=not recipe.caches_trunk
        ),
        epochs=-(-STEPS // measured),
        steps=measured,
        callbacks=[clock],
        strategy=device.strategy,
    ).run()
    # The first step traces the graph; the median ignores another step that had to wait.
    return float(np.median(np.diff(clock.times)))


class _Clock(Callback):
    """Records when each step was done."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_end(self, position: Position, loss: Callable[[], float]) -> None:
        loss()  # waits for the device
        self.times.append(time.perf_counter())


def seconds_of(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def least_seconds_of(work: Callable[[], object], rounds: int) -> float:
    """Return the least time of several rounds, after one that is not timed.

    The first round of a library prepares its threads, and another program may disturb any.
    """
    work()
    return min(seconds_of(work) for _ in range(rounds))
