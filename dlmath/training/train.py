"""Train a recipe in a new run."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlmath.data.splits import write_split
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run, write_json, write_text
from dlmath.training import manifest
from dlmath.training.audited import write_audit
from dlmath.training.begin import begin, check
from dlmath.training.cadence import EVERY, Interval
from dlmath.training.carry_out import carry_out, sole_trainer
from dlmath.training.devices import Placement
from dlmath.training.gather import AGAIN, gather
from dlmath.training.lineage import write_start
from dlmath.training.prepare import Data, Prepared
from dlmath.training.signals import StopsOnSignal, stop_request


def train(
    recipe: Recipe | str | Path | None = None,
    data: Data = None,
    *,
    start_from: Run | str | Path | None = None,
    out: str | Path | None = None,
    device: str = "auto",
    strategy: str = "auto",
    tensorboard: bool = False,
    checkpoint_every: str | None = None,
    reporter: Reporter = SILENT,
    command: Sequence[str] = (),
    **settings: Any,
) -> Run:
    """Train a classifier, and return the finished run.

    The model that is kept is that of the epoch with the highest validation AUC. The
    threshold is chosen on the validation part. The test part is not opened.

    Args:
        recipe: A recipe, a task's name (`malaria`, `pneumonia`), the path of a recipe.toml,
            or one's own images: a folder of class folders, a zip of one, or a CSV. With
            `start_from` the run's own name or nothing; the recipe is the run's.
        data: One source or several (a folder, a zip, a CSV, `tfds:NAME`), or the word
            `phantom`. Without any, the places that `dlmath data list` names.
        start_from: A finished run whose weights, recipe and split are gone on from. A head that is
            solved exactly takes the network below it from there, and is solved for on `data`.
        out: The run's own folder, absent or empty; by default `runs/<task>-<UTC time>`.
        device: auto, cpu, gpu or tpu.
        strategy: auto, one, mirrored or tpu.
        tensorboard: Also write event files to the run's `tensorboard/` (extra `tensorboard`).
        checkpoint_every: Wanted between two checkpoints within an epoch: 200steps, 30s, 5min (the
            default) or 1h; less often where they would take more than 2 % of the time.
        reporter: Receives the progress.
        command: What the manifest records as the command.
        settings: Fields of the recipe to change, such as `epochs=3`.

    Raises:
        UserError: The recipe, the data, the device or `out` cannot be used.
        DivergedError: The loss became NaN; the best epoch so far is kept in the run.
        Stopped: A signal came; everything was saved.
    """
    with stop_request() as stop:
        begun = begin(
            recipe,
            data,
            start_from=start_from,
            out=out,
            device=device,
            strategy=strategy,
            tensorboard=tensorboard,
            checkpoint_every=checkpoint_every,
            reporter=StopsOnSignal(reporter, stop, AGAIN),
            settings=settings,
        )
        for warning in begun.prepared.warnings:
            reporter.say(f"Warning: {warning}")
        return train_prepared(
            begun.prepared,
            begun.folder,
            begun.placement,
            threads=begun.threads,
            tensorboard=tensorboard,
            interval=begun.interval,
            reporter=reporter,
            command=command,
        )


def train_prepared(
    prepared: Prepared,
    folder: Path | None,
    placement: Placement,
    *,
    threads: dict[str, int],
    tensorboard: bool = False,
    interval: Interval | None = None,
    reporter: Reporter = SILENT,
    command: Sequence[str] = (),
) -> Run:
    """Train on data that were read and split already; see `train`.

    Args:
        prepared: Recipe and split.
        folder: The run's own, absent or empty.
        placement: Of the device.
        threads: As `pin_threads` returned them.
        tensorboard: As in `train`.
        interval: Wanted between two checkpoints; the usual one by default.
        reporter: As in `train`.
        command: As in `train`.
    """
    with stop_request() as stop:
        heard = StopsOnSignal(reporter, stop, AGAIN)
        checked = check(prepared, folder, placement, heard)
        ingredients = gather(prepared, checked.model, placement, reporter, stop)
        # Only now: whatever can be wrong with the request leaves no folder behind.
        run = Run.create(prepared.recipe.name, folder)
        with sole_trainer(run):
            Run.refuse_occupied(run.folder)  # by another process, meanwhile
            run.clear_beginning()
            write_text(run.recipe_path, prepared.recipe.to_toml())
            write_split(prepared.split, run.split_path)
            write_audit(run, checked.audit)
            if prepared.start is not None:
                write_start(prepared.start, run)
            first = manifest.first_manifest(
                run,
                prepared,
                device=placement.as_dict(),
                threads=threads,
                command=shlex.join(command),
            )
            first["warnings"] += ingredients.warnings
            first["audit"] = checked.audit.counts
            write_json(run.manifest_path, first)  # last: from here on the run can be resumed
            return carry_out(
                run,
                ingredients,
                placement,
                reporter,
                interval=interval or Interval.parse(EVERY),
                tensorboard=tensorboard,
            )
