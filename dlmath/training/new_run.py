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
from dlmath.training.context import TrainingContext
from dlmath.training.preflight import check, read_request
from dlmath.training.preparation import Data, Prepared
from dlmath.training.run_audit import warnings_of, write_audit
from dlmath.training.runner import locked_run, run_training
from dlmath.training.signals import stop_request


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

    The kept model is that of the epoch with the highest validation AUC. The threshold is chosen on
    the validation part. The test part is not opened.

    Args:
        recipe: A recipe, a task's name (`malaria`, `pneumonia`) for its default recipe, the path
            of a recipe.toml, or the user's own images: a folder of class folders, a zip of one, or
            a CSV. Further recipes of the tasks, such as those of the papers, come from
            `dlmath.models.other_recipe("malaria", "paper")`. With `start_from` the name of that
            run's recipe or nothing; the recipe is that of the run.
        data: One source or several (a folder, a zip, a CSV, `tfds:NAME`), or the word
            `phantom`. Without any, the places that `dlmath data list` names.
        start_from: A finished run that is continued with its weights, recipe and split. A head that
            is solved exactly takes only the network below it from there, and is solved on `data`.
        out: The folder of the run, absent or empty; by default `runs/<task>-<UTC time>`.
        device: auto, cpu, gpu or tpu.
        strategy: auto, one, mirrored or tpu.
        tensorboard: Also write event files to the run's `tensorboard/` (extra `tensorboard`).
        checkpoint_every: The interval wanted between two checkpoints within an epoch: 200steps,
            30s, 5min (the default) or 1h. It grows where checkpoints would take more than 2 % of
            the time.
        reporter: Receives the progress.
        command: The command that the manifest records.
        settings: Fields of the recipe to change, such as `epochs=3`.

    Raises:
        UserError: The recipe, the data, the device or `out` cannot be used.
        DivergedError: The loss became NaN; the best epoch so far is kept in the run.
        Stopped: A signal came; everything was saved.

    Example:
        >>> import dlmath
        >>> run = dlmath.train("malaria", "cells", out="runs/example", epochs=2, image_size=32)
        >>> run.is_finished
        True
    """
    with stop_request() as stop:
        job = read_request(
            recipe,
            data,
            start_from=start_from,
            out=out,
            device=device,
            strategy=strategy,
            tensorboard=tensorboard,
            checkpoint_every=checkpoint_every,
            reporter=reporter,
            stop=stop,
            command=command,
            settings=settings,
        )
        for warning in job.prepared.warnings:
            reporter.say(f"Warning: {warning}")
        return train_prepared(job.prepared, job.folder, job.context)


def train_prepared(prepared: Prepared, folder: Path | None, context: TrainingContext) -> Run:
    """Train on data that were read and split already; see `train`.

    Args:
        prepared: The recipe and the split.
        folder: The folder of the run, absent or empty; None for one under `runs/`.
        context: The device, the reporter, and the stop request.
    """
    checked = check(prepared, folder, context)
    skipped = checked.trainer.load(context)
    # Only now: whatever can be wrong with the request leaves no folder behind.
    run = Run.create(prepared.recipe.name, folder)
    with locked_run(run):
        Run.check_unoccupied(run.folder)  # by another process, meanwhile
        run.clear_beginning()
        write_text(run.recipe_path, prepared.recipe.to_toml())
        write_split(prepared.split, run.split_path)
        write_audit(run, checked.audit)
        if prepared.warm_start is not None:
            prepared.warm_start.write(run)
        first = manifest.first_manifest(
            run,
            prepared,
            device=context.device.as_dict(),
            threads=dict(context.threads),
            command=shlex.join(context.command),
        )
        first["warnings"] += [*skipped, *warnings_of(checked.audit)]
        first["audit"] = checked.audit.counts
        write_json(run.manifest_path, first)  # last: from here on the run can be resumed
        return run_training(run, checked.trainer, context)
