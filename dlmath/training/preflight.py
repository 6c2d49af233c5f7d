"""The checks before a training: everything that can be wrong with a request is refused here.

`train` goes on from here, and `plan`, which is `dlmath train --dry-run`, ends here: a plan promises
what the training would do, so both go through these steps.
"""

import errno
import math
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.audit import Audit
from dlmath.audit.files import FAULTS
from dlmath.data.listing import counted, listed
from dlmath.data.splits import Split
from dlmath.errors import RunError, UserError
from dlmath.models.pretrained import check_weights
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import RUNS, Run, cannot_make
from dlmath.training.checkpoint_schedule import EVERY, Interval
from dlmath.training.context import TrainingContext
from dlmath.training.devices import choose_device, pin_threads
from dlmath.training.preparation import Data, Prepared, Request, prepare, resolve, resolve_from
from dlmath.training.run_audit import audit_prepared, warnings_of
from dlmath.training.signals import StopRequest
from dlmath.training.trainer import Trainer, trainer_type
from dlmath.training.training_data import check_readable_files, require_every_class
from dlmath.training.warm_start import Parent


@dataclass(frozen=True)
class TrainingJob:
    """A request whose data are read and split.

    Attributes:
        prepared: The recipe and the split.
        folder: The folder of the run; None for one under `runs/`.
        context: The device, the reporter, and the stop request.
        seconds: The time that reading, hashing and splitting the data took.
    """

    prepared: Prepared
    folder: Path | None
    context: TrainingContext
    seconds: float


@dataclass(frozen=True)
class Checked:
    """The results of `check`.

    Attributes:
        audit: The audit of the images.
        split: The split without the files that cannot be read.
        trainer: The trainer, with its model built.
        audit_seconds: The time that the audit took.
        build_seconds: The time that building the model took.
    """

    audit: Audit
    split: Split
    trainer: Trainer
    audit_seconds: float
    build_seconds: float


def read_request(
    recipe: Recipe | str | Path | None,
    data: Data,
    *,
    start_from: Run | str | Path | None,
    out: str | Path | None,
    device: str,
    strategy: str,
    tensorboard: bool,
    checkpoint_every: str | None,
    reporter: Reporter,
    stop: StopRequest,
    command: Sequence[str],
    settings: dict[str, Any],
) -> TrainingJob:
    """Understand a request, and read and split its data; the arguments are those of `train`.

    Raises:
        UserError: The recipe, its weights, the data, the device or `out` cannot be used.
    """
    request = _request(recipe, data, start_from, settings)
    folder = Path(out) if out is not None else None
    check_usable_folder(folder)
    trainer_type(request.recipe).check_options(
        checkpoint_every=checkpoint_every, tensorboard=tensorboard
    )
    interval = Interval.parse(checkpoint_every or EVERY)
    threads, chosen = pin_threads(), choose_device(device, strategy)
    context = TrainingContext(chosen, threads, interval, tensorboard, reporter, stop, command)
    began = time.perf_counter()
    if request.parent is None:  # its weights are read with the run
        check_weights(request.recipe)
    prepared = prepare(request, context.interruptible())
    return TrainingJob(prepared, folder, context, time.perf_counter() - began)


def check(prepared: Prepared, folder: Path | None, context: TrainingContext) -> Checked:
    """Audit the images, build the model, and refuse what could not be trained to the end.

    Two faults show only when every image is computed with, and are left to the training: features
    that are NaN, and a loss that diverges.

    Raises:
        DataError: A file is bad and the recipe does not skip it, a class has too few images or
            patients, or the cache's disk has no room.
        WeightsError: The pretrained weights cannot be had.
        DeviceError: The recipe cannot use the strategy.
        RunError: The disk has no room for the run.
    """
    reporter = context.interruptible()
    trainer: Trainer = trainer_type(prepared.recipe)(prepared, context.device)
    trainer.require_data(prepared.split)  # before the minutes of an audit, and again after it
    began = time.perf_counter()
    audit = audit_prepared(prepared, reporter)
    audited = time.perf_counter()
    split = _readable(prepared, audit)
    for warning in warnings_of(audit):
        reporter.say(f"Warning: {warning}")
    if left_out := _left_out(audit):
        reporter.say(left_out)
    trainer.require_data(split)
    build_began = time.perf_counter()
    trainer.build(reporter)
    built = time.perf_counter()
    require_room_for_run(folder, trainer)
    return Checked(audit, split, trainer, audited - began, built - build_began)


def _readable(prepared: Prepared, audit: Audit) -> Split:
    """Return the split without the files that the audit found to be bad.

    Raises:
        DataError: The rest could not be trained on, or the recipe does not skip bad files.
    """
    recipe, split, faults = prepared.recipe, prepared.split, audit.faults
    # Those of the test part too: otherwise its evaluation would be refused after the training.
    check_readable_files([*split.train, *split.validation, *split.test], faults, recipe)
    left = {
        part: tuple(one for one in split.part(part) if one.file not in faults)
        for part in ("train", "validation")
    }
    for part, said in (("train", "training"), ("validation", "validation")):
        bad = len(split.part(part)) - len(left[part])
        require_every_class(left[part], bad, recipe, f"reading {said} images")
    return replace(split, train=left["train"], validation=left["validation"])


def _left_out(audit: Audit) -> str:
    """Return how many files are skipped, for which faults, and the first of them; blank if none."""
    kinds = {one.kind: len(one.files) for one in audit.findings if one.kind in FAULTS}
    if not kinds:
        return ""
    named = "; ".join(f"{number:,} {FAULTS[kind][0]}" for kind, number in kinds.items())
    return (
        f"Left out: {sum(kinds.values()):,} of {counted(len(audit.examples), 'image')}, which "
        f"cannot be read ({named}): {listed(list(audit.faults))}."
    )


def _request(
    recipe: Recipe | str | Path | None,
    data: Data,
    start_from: Run | str | Path | None,
    settings: dict[str, Any],
) -> Request:
    if start_from is not None:
        return resolve_from(Parent.find(start_from), recipe, data, settings)
    if recipe is None:
        raise UserError("Nothing to train: pass a task, a recipe, or a run to go on from.")
    return resolve(recipe, data, settings)


def check_usable_folder(folder: Path | None) -> None:
    """Refuse a folder that is occupied or could not be made; None stands for one under `runs/`.

    Raises:
        RunError: The folder cannot be used.
    """
    if folder is not None:
        Run.check_unoccupied(folder)
    place = _nearest(folder or RUNS)
    if not place.is_dir():
        raise cannot_make(folder or RUNS, os.strerror(errno.ENOTDIR))
    if not os.access(place, os.W_OK | os.X_OK):
        raise cannot_make(folder or RUNS, os.strerror(errno.EACCES))


def require_room_for_run(folder: Path | None, trainer: Trainer) -> None:
    """Refuse to begin a run that its disk has no room for.

    Args:
        folder: The folder of the run; None for one under `runs/`.
        trainer: The trainer, with its model built.

    Raises:
        RunError: The run needs more room than is free.
    """
    weights = sum(
        math.prod(one.shape) * np.dtype(one.dtype).itemsize for one in trainer.model.weights
    )
    needed = weights * trainer.WEIGHT_COPIES
    free = shutil.disk_usage(_nearest(folder or RUNS)).free
    if needed > free:
        raise RunError(
            f"The disk of {folder or RUNS} has no room for the run, which needs at least "
            f"{needed / 2**20:,.1f} MiB. Received: {free / 2**20:,.1f} MiB free. Make room there, "
            "or pass a folder on another disk with --out."
        )


def _nearest(path: Path) -> Path:
    """Return the path itself if it exists, else the nearest folder above it that does."""
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists())
