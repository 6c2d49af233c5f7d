"""Explain a divergence: where it happened, with which images, and its likely cause.

The order of the images is a pure function of (seed, epoch), so the batch of any step can be named
after the fact.
"""

from collections.abc import Sequence

import keras
import numpy as np

from dlmath.data.listing import counted, listed
from dlmath.data.pipeline import batch_rows, steps_per_epoch
from dlmath.data.sources import ImageRecord
from dlmath.errors import DivergedError
from dlmath.features.extract import Features, StoredFeatures
from dlmath.inference.classifier import batches
from dlmath.recipe import Recipe
from dlmath.training.loop import Position

_AT_ONCE = 256  # rows, which may be mapped from files


def explained(
    error: DivergedError,
    model: keras.Model,
    examples: Sequence[ImageRecord],
    recipe: Recipe,
    position: Position,
) -> DivergedError:
    """Return the error with the batch's files, the state of the weights and the likely cause.

    Args:
        error: The error, which says what is not finite, and where.
        model: The model in its present state.
        examples: The training images, in the order of their pixels.
        recipe: The recipe.
        position: The position after the step that diverged.
    """
    return DivergedError(
        f"{error} {_files(examples, recipe, position)} {_weights(model)} "
        f"{likely_cause(recipe, position)}"
    )


def likely_cause(recipe: Recipe, position: Position) -> str:
    """Return the most frequent cause of such a divergence, and what to try next."""
    rate, tenth = f"{recipe.learning_rate:g}", f"{recipe.learning_rate / 10:g}"
    if recipe.precision == "float16":
        return (
            "Likely cause: a number beyond 65,504, the largest of float16. Try --precision "
            f"bfloat16 or float32; if it diverges there too, --learning-rate {tenth}."
        )
    if position <= Position(0, 1):
        return (
            "Likely cause: it happened in the first step, before the weights had learned anything, "
            f"so look at the weights it began with (weights={recipe.weights!r}) and at these "
            f"images; or the learning rate of {rate} is far too high: try --learning-rate {tenth}."
        )
    if recipe.warmup_epochs == 0 and recipe.weights != "none":
        return (
            f"Likely cause: gradients that explode at the learning rate of {rate}. Try "
            f"--learning-rate {tenth}, or let it rise slowly: --set warmup_epochs=1."
        )
    return (
        f"Likely cause: gradients that explode at the learning rate of {rate}. "
        f"Try --learning-rate {tenth}."
    )


def check_finite(features: Features | StoredFeatures, task: str, recipe: Recipe) -> None:
    """Refuse features that are NaN or infinite: nothing can be fitted to them.

    Raises:
        DivergedError: Some are; names the images.
    """
    parts = batches(features.array, _AT_ONCE)
    bad = np.flatnonzero(np.concatenate([~np.isfinite(part).all(axis=1) for part in parts]))
    if len(bad):
        files = listed([features.examples[int(row)].file for row in bad])
        raise DivergedError(
            f"While computing {task}: the network gives NaN or infinity for {len(bad):,} of "
            f"{counted(len(features.array), 'image')}: {files}. Likely cause: its weights "
            f"(weights={recipe.weights!r}) are damaged. Pass others with --weights."
        )


def _files(examples: Sequence[ImageRecord], recipe: Recipe, position: Position) -> str:
    epoch, step = position.epoch, position.step - 1
    if step < 0:  # the epoch was over when it was noticed
        epoch, step = epoch - 1, steps_per_epoch(len(examples), recipe.batch_size) - 1
    rows = batch_rows(len(examples), recipe, epoch, step)
    names = [examples[int(row)].file for row in rows]
    return f"The batch of that step is of {counted(len(names), 'image')}: {listed(names)}."


def _weights(model: keras.Model) -> str:
    bad = [
        layer.name
        for layer in model.layers
        if not all(np.isfinite(weight).all() for weight in layer.get_weights())
    ]
    if not bad:
        return "The weights are still finite."
    return f"The weights of {len(bad)} of {len(model.layers)} layers are not finite any more."
