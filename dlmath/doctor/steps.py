"""Checks by a few steps of training: augmentation changes, and a resumed training agrees."""

from itertools import combinations

import numpy as np
import tensorflow as tf

from dlmath import models
from dlmath.data.listing import listed
from dlmath.data.pipeline import training_batches
from dlmath.doctor.examined_run import ExaminedRun
from dlmath.doctor.verdict import Verdict, fault, not_applicable, ok
from dlmath.recipe import Recipe
from dlmath.seeds import generator
from dlmath.training import checkpoints
from dlmath.training.loop import Callback, Loop, Position
from dlmath.training.optimizer import compile_for_training

EPOCHS = 3
DRAWS = 32  # if only flips are drawn, all repeat by chance once in four thousand million times
BATCH_SIZE = 4  # small, since the steps are timed by those who wait
STEPS = 6


class _KeepsMiddle(Callback):
    """Keeps a checkpoint of one step, as a training that is then killed leaves it."""

    def __init__(self, step: int, groups: dict[str, list]):
        self.step = step
        self.groups = groups
        self.saved = b""

    def on_step_end(self, position: Position, loss: object) -> None:
        if position.step == self.step:
            state = {"epoch": position.epoch, "step": position.step, "callbacks": {}}
            arrays = checkpoints.collect(self.groups)
            self.saved = checkpoints.pack(checkpoints.Checkpoint(arrays, state))


def augmentation(examined: ExaminedRun) -> Verdict:
    """Take the first batch of three epochs: what is drawn for it must differ in each."""
    recipe = examined.recipe
    if recipe.solves_head:
        return not_applicable("The head was solved on features; no batch is drawn.")
    drawn = {}
    if recipe.augments:
        drawn["augmentation"] = [_one_picture(recipe, epoch) for epoch in range(EPOCHS)]
    for name, field in (("Mixup", "mixup"), ("CutMix", "cutmix")):
        if getattr(recipe, field) > 0:
            only = _without_mixing(recipe).replace(**{field: getattr(recipe, field)})
            drawn[name] = [_mixing(only, epoch) for epoch in range(EPOCHS)]
    if not drawn:
        return not_applicable("The recipe augments nothing; the images come in another order.")
    frozen = [name for name, epochs in drawn.items() if _two_are_equal(epochs)]
    if frozen:
        return fault(
            f"{listed(frozen)}: the same numbers in two of {EPOCHS} epochs.",
            "Draw them from numbers that depend on the epoch. See dlmath.data.pipeline.",
        )
    return ok(f"{' and '.join(drawn)}: other numbers in each of {EPOCHS} epochs")


def _two_are_equal(epochs: list[np.ndarray]) -> bool:
    return any(np.array_equal(one, other) for one, other in combinations(epochs, 2))


def _one_picture(recipe: Recipe, epoch: int) -> np.ndarray:
    """Return a batch of one noisy picture, augmented: the order of the images plays no part."""
    size = recipe.image_size
    noise = generator("doctor").integers(0, 256, (size, size, 3), dtype=np.uint8)
    pixels, _ = _first_batch(np.stack([noise] * DRAWS), _without_mixing(recipe), epoch)
    return pixels


def _without_mixing(recipe: Recipe) -> Recipe:
    return recipe.replace(mixup=0.0, cutmix=0.0)


def _mixing(recipe: Recipe, epoch: int) -> np.ndarray:
    """Return the larger share of each mixed pair, (N,): the order of the images plays no part."""
    blank = np.zeros((DRAWS, DRAWS, DRAWS, 3), np.uint8)
    _, labels = _first_batch(blank, recipe.without_augmentation(), epoch)
    return labels.max(axis=1)


def _first_batch(images: np.ndarray, recipe: Recipe, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first batch and its labels (N, N), as if every image had a class of its own."""
    recipe = recipe.replace(batch_size=len(images), class_weights="none")
    batches = training_batches(images, np.eye(len(images)), recipe, epoch=epoch)
    pixels, labels, _ = next(iter(batches))
    return pixels.numpy(), labels.numpy()


def resuming(examined: ExaminedRun) -> Verdict:
    """Train six steps at once, and three and three with a checkpoint between them."""
    if examined.recipe.solves_head:
        return not_applicable("The head was solved; interrupted, it is solved again.")
    part = examined.training
    recipe = examined.recipe.replace(batch_size=BATCH_SIZE, epochs=1)
    rows = np.arange(STEPS * BATCH_SIZE) % len(part.labels)
    images = part.pixels[rows]
    labels = np.eye(len(recipe.classes), dtype=np.float32)[part.labels[rows]]
    if not labels.any(axis=0).all():  # so few images hold no example of every class to balance
        recipe = recipe.replace(class_weights="none")
    whole, middle = _trained(recipe, images, labels)
    halves, _ = _trained(recipe, images, labels, middle)
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
    recipe: Recipe, images: np.ndarray, labels: np.ndarray, saved: bytes | None = None
) -> tuple[dict[str, np.ndarray], bytes]:
    """Train a new model, from a checkpoint if one is given, as a new process would.

    Returns:
        Its arrays after the steps, and a checkpoint of the step in their middle.
    """
    loop, groups = _loop(recipe, images, labels)
    if saved is not None:
        found = checkpoints.unpack(saved, "in memory")
        checkpoints.restore(found.arrays, groups)
        loop.restore(dict(found.meta))
    middle = _KeepsMiddle(STEPS // 2, groups)
    loop.callbacks = [middle]
    loop.run()
    return checkpoints.collect(groups), middle.saved


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
