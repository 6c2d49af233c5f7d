"""The place of a run that is to come: could its folder be made, and is there room on the disk?"""

import errno
import math
import os
import shutil
from pathlib import Path

import keras
import numpy as np

from dlmath.errors import RunError
from dlmath.recipe import Recipe
from dlmath.runs import RUNS, Run, cannot_make


def refuse_unusable_folder(folder: Path | None) -> None:
    """Refuse a folder that is occupied, or could not be made; None stands for one under `runs/`.

    Raises:
        RunError: It is so.
    """
    if folder is not None:
        Run.refuse_occupied(folder)
    place = _nearest(folder or RUNS)
    if not place.is_dir():
        raise cannot_make(folder or RUNS, os.strerror(errno.ENOTDIR))
    if not os.access(place, os.W_OK | os.X_OK):
        raise cannot_make(folder or RUNS, os.strerror(errno.EACCES))


def require_room_for_run(folder: Path | None, model: keras.Model, recipe: Recipe) -> None:
    """Refuse to begin a run that its disk has no room for.

    It needs the weights once for `model.keras` and about once for the light form; trained by steps
    also for a checkpoint, with the optimizer's state.

    Args:
        folder: The run's; None for one under `runs/`.
        model: To be trained.
        recipe: Says by what.

    Raises:
        RunError: It needs more than is free.
    """
    weights = sum(math.prod(one.shape) * np.dtype(one.dtype).itemsize for one in model.weights)
    needed = weights * (2 if recipe.solves_head else 4)
    free = shutil.disk_usage(_nearest(folder or RUNS)).free
    if needed > free:
        raise RunError(
            f"The disk of {folder or RUNS} has no room for the run, which needs at least "
            f"{needed / 2**20:,.1f} MiB. Received: {free / 2**20:,.1f} MiB free. Make room there, "
            "or pass a folder on another disk with --out."
        )


def _nearest(path: Path) -> Path:
    """Return the path itself, or the nearest above it that is there."""
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists())
