"""What a training does before it trains: all that can be wrong with a request is refused here.

`train` goes on from here, and `plan`, which is `dlmath train --dry-run`, ends here: a plan promises
what the training would do, so both have these steps in common and no list of their own.
"""

import importlib.util
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from dlmath.audit import Audit
from dlmath.data.splits import Split
from dlmath.errors import UserError
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training import solved_head
from dlmath.training.audited import audit_prepared
from dlmath.training.cadence import EVERY, Interval
from dlmath.training.devices import Placement, pin_threads, place
from dlmath.training.gather import build
from dlmath.training.ingredients import (
    refuse_bad_files,
    require_every_class,
    reserve_room_for_pixels,
)
from dlmath.training.lineage import Parent
from dlmath.training.prepare import Data, Prepared, Request, prepare, resolve, resolve_from
from dlmath.training.run_folder import refuse_unusable_folder, require_room_for_run


@dataclass(frozen=True)
class Begun:
    """A request that is understood, and its data, read and split.

    Attributes:
        prepared: Recipe and split.
        folder: The run's own; None for one under `runs/`.
        placement: Of the device.
        threads: As `pin_threads` returned them.
        interval: Wanted between two checkpoints.
        tensorboard: Whether event files are wanted.
        seconds: What reading, hashing and splitting the data took.
    """

    prepared: Prepared
    folder: Path | None
    placement: Placement
    threads: dict[str, int]
    interval: Interval
    tensorboard: bool
    seconds: float


@dataclass(frozen=True)
class Checked:
    """What `check` made on the way.

    Attributes:
        audit: Of the images.
        split: Without the files that cannot be read.
        model: Untrained, or with the weights of the run that is gone on from.
        audit_seconds: What the audit took.
        build_seconds: What building the model took.
    """

    audit: Audit
    split: Split
    model: keras.Model
    audit_seconds: float
    build_seconds: float


def begin(
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
    settings: dict[str, Any],
) -> Begun:
    """Understand a request, and read and split its data; the arguments are those of `train`.

    Raises:
        UserError: The recipe, the data, the device or `out` cannot be used.
    """
    request = _request(recipe, data, start_from, settings)
    folder = Path(out) if out is not None else None
    refuse_unusable_folder(folder)
    if tensorboard:
        _require_tensorboard(request.recipe)
    interval = _interval(request.recipe, checkpoint_every)
    threads, placement = pin_threads(), place(device, strategy)
    began = time.perf_counter()
    prepared = prepare(request, reporter)
    seconds = time.perf_counter() - began
    return Begun(prepared, folder, placement, threads, interval, tensorboard, seconds)


def check(
    prepared: Prepared, folder: Path | None, placement: Placement, reporter: Reporter
) -> Checked:
    """Audit the images, build the model, and refuse what could not be trained to the end.

    What needs every image to be computed with is left to the training: features that are no
    numbers, and a loss that diverges.

    Raises:
        DataError: A file is bad and the recipe does not skip those, a class has too few images or
            patients, or the cache's disk has no room.
        WeightsError: The pretrained weights cannot be had.
        DeviceError: A strategy that the recipe cannot use.
        RunError: The disk has no room for the run.
    """
    began = time.perf_counter()
    audit = audit_prepared(prepared, reporter)
    audited = time.perf_counter()
    split = _readable(prepared, audit)
    build_began = time.perf_counter()
    model = build(prepared, placement, reporter)
    built = time.perf_counter()
    if not prepared.recipe.solves_head:
        reserve_room_for_pixels(split, prepared.recipe)
    require_room_for_run(folder, model, prepared.recipe)
    return Checked(audit, split, model, audited - began, built - build_began)


def _readable(prepared: Prepared, audit: Audit) -> Split:
    """Return the split without bad files, by what the audit found out about each file.

    Raises:
        DataError: What is left could not be trained on, or the recipe does not skip bad files.
    """
    recipe, split, faults = prepared.recipe, prepared.split, audit.faults
    refuse_bad_files([*split.train, *split.validation], faults, recipe)
    left = {
        part: tuple(one for one in split.part(part) if one.file not in faults)
        for part in ("train", "validation")
    }
    for part, said in (("train", "training"), ("validation", "validation")):
        bad = len(split.part(part)) - len(left[part])
        require_every_class(left[part], bad, recipe, f"reading {said} images")
    if recipe.solves_head and not recipe.l2:
        solved_head.refuse_few_patients(left["train"], recipe)
    return replace(split, train=left["train"], validation=left["validation"])


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


def _interval(recipe: Recipe, wanted: str | None) -> Interval:
    if wanted is not None and recipe.solves_head:
        raise UserError(
            "A head that is solved exactly has no checkpoints: interrupted, it is solved again "
            "from the features that are kept. Leave --checkpoint-every out, or add --set "
            "head_solver=sgd"
        )
    return Interval.parse(wanted or EVERY)


def _require_tensorboard(recipe: Recipe) -> None:
    """Refuse before the work begins: TensorFlow looks for it only at the first event."""
    if recipe.solves_head:
        raise UserError(
            "A head that is solved exactly has no epochs to show in TensorBoard. Leave "
            "--tensorboard out, or add --set head_solver=sgd"
        )
    if importlib.util.find_spec("tensorboard") is None:
        raise UserError(
            "TensorBoard events need the package tensorboard, which is not installed. "
            "Run: pip install 'dlmath[tensorboard]'"
        )
