"""Checks by a few steps of training: does augmentation change, does a resumed training agree?"""

import numpy as np
import tensorflow as tf

from dlmath import models
from dlmath.data import augment
from dlmath.data.listing import counted
from dlmath.data.pipeline import batch_rows, training_batches
from dlmath.doctor.subject import Subject
from dlmath.doctor.verdict import Verdict, fault, not_applicable, ok, warning
from dlmath.recipe import Recipe
from dlmath.training import checkpoints
from dlmath.training.loop import Callback, Loop, Position
from dlmath.training.solver import compile_for_training

EPOCHS = 3
BATCH_SIZE = 4  # small, since the steps are timed by those who wait
STEPS = 6


class _StopAt(Callback):
    """Ends a training in the middle, as a signal would."""

    def __init__(self, step: int):
        self.step = step

    def on_step_end(self, position: Position, loss: object) -> None:
        if position.step == self.step:
            raise _Stopped


class _Stopped(Exception):
    """The training was ended on purpose."""


def augmentation(subject: Subject) -> Verdict:
    """Take the first batch of three epochs: the same images must look different in each."""
    recipe = subject.recipe
    if recipe.solves_head:
        return not_applicable("The head was solved on features; no batch is drawn.")
    images = subject.training.pixels[:BATCH_SIZE]
    # All images are in the one batch of each epoch, so that they can be compared one by one.
    recipe = recipe.replace(batch_size=len(images), class_weights="none")
    epochs = [_first_batch(images, recipe, epoch) for epoch in range(EPOCHS)]
    order = [tuple(batch_rows(len(images), recipe, epoch, 0)) for epoch in range(EPOCHS)]
    if augment.is_off(recipe) and recipe.mixup == 0:
        if len(set(order)) == 1 and len(images) > 3:
            return warning(
                "Three epochs give the images in one order.", "Look at dlmath.data.pipeline."
            )
        return not_applicable("The recipe augments nothing; the images come in another order.")
    frozen = sum(
        any(np.array_equal(epochs[one][row], epochs[other][row]) for one, other in _pairs())
        for row in range(len(images))
    )
    if frozen:
        return fault(
            f"{frozen} of {counted(len(images), 'image')} look the same in two of three epochs: "
            "the augmentation is frozen.",
            "Draw it from numbers that depend on the epoch. See dlmath.data.pipeline.",
        )
    return ok(f"{counted(len(images), 'image')} look different in each of {EPOCHS} epochs")


def _pairs() -> list[tuple[int, int]]:
    return [(one, other) for one in range(EPOCHS) for other in range(one)]


def _first_batch(images: np.ndarray, recipe: Recipe, epoch: int) -> np.ndarray:
    """Return the images of the batch in the order in which they were given."""
    labels = np.eye(2, dtype=np.float32)[np.arange(len(images)) % 2]
    batch = next(iter(training_batches(images, labels, recipe, epoch=epoch)))
    found = np.empty(batch[0].shape, np.float32)
    found[batch_rows(len(images), recipe, epoch, 0)] = batch[0].numpy()
    return found


def resuming(subject: Subject) -> Verdict:
    """Train six steps at once, and three and three with a checkpoint between them."""
    if subject.recipe.solves_head:
        return not_applicable("The head was solved; interrupted, it is solved again.")
    part = subject.training
    recipe = subject.recipe.replace(batch_size=BATCH_SIZE, epochs=1)
    rows = np.arange(STEPS * BATCH_SIZE) % len(part.labels)
    images = part.pixels[rows]
    labels = np.eye(len(recipe.classes), dtype=np.float32)[part.labels[rows]]
    whole = _trained(recipe, images, labels)
    halves = _trained(recipe, images, labels, stop_at=STEPS // 2)
    different = [name for name in whole if whole[name].tobytes() != halves[name].tobytes()]
    half = STEPS // 2
    if different:
        largest = max(
            float(np.abs(whole[name].astype("float64") - halves[name].astype("float64")).max())
            for name in different
        )
        return fault(
            f"{half} and {half} steps are not {STEPS} steps: {len(different)} of {len(whole)} "
            f"arrays differ, by up to {largest:.2g}.",
            "A resumed training is another one here. Pin the threads (OMP_NUM_THREADS), and do not "
            "resume on another machine.",
        )
    return ok(f"{half} and {half} steps give bit by bit what {STEPS} steps give")


def _trained(
    recipe: Recipe, images: np.ndarray, labels: np.ndarray, stop_at: int | None = None
) -> dict[str, np.ndarray]:
    """Return the arrays of a model after the steps, interrupted after `stop_at` of them."""
    loop, groups = _loop(recipe, images, labels)
    if stop_at is not None:
        loop.callbacks = [_StopAt(stop_at)]
        try:
            loop.run()
        except _Stopped:
            saved = checkpoints.pack(
                checkpoints.Checkpoint(checkpoints.collect(groups), loop.state())
            )
        # A new model, as a new process would have, which knows of the first what was saved.
        loop, groups = _loop(recipe, images, labels)
        found = checkpoints.unpack(saved, "in memory")
        checkpoints.restore(found.arrays, groups)
        loop.restore(dict(found.meta))
    loop.run()
    return checkpoints.collect(groups)


def _loop(recipe: Recipe, images: np.ndarray, labels: np.ndarray) -> tuple[Loop, dict[str, list]]:
    model = compile_for_training(models.build(recipe, pretrained=False), recipe, STEPS)

    def batches(epoch: int, step: int) -> tf.data.Dataset:
        return training_batches(images, labels, recipe, epoch=epoch, first_step=step)

    groups = {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }
    return Loop(model, batches, epochs=1, steps=STEPS), groups
