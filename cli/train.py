"""`dlmath train`."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlmath
from dlmath.cli.folds import train_folds
from dlmath.cli.groups import grouped
from dlmath.cli.output import ERR, OUT
from dlmath.cli.own_images import ask_what_is_missing, show_summary
from dlmath.cli.plan import show_plan
from dlmath.cli.startup import load_tensorflow
from dlmath.cli.train_options import (
    RULES,
    Continuation,
    Data,
    Hardware,
    Manner,
    Named,
    Out,
    Settings,
    Task,
)
from dlmath.errors import UserError
from dlmath.models.own_images import check_named_once
from dlmath.runs import Run
from dlmath.terminal_text import command

if TYPE_CHECKING:
    from dlmath.recipe import Recipe


@grouped(RULES)
def train(
    task: Task = None,
    data: Data = None,
    out: Out = None,
    recipe: Named = None,
    *,
    continuation: Continuation,
    settings: Settings,
    hardware: Hardware,
    manner: Manner,
) -> None:
    """Train a classifier.

    Saves it with its recipe, its split and its history, and prints the run's folder on
    stdout. Without --data it looks where `dlmath data list` says.

    Example: dlmath train pneumonia --data phantom
    """
    where: dict[str, str] = dataclasses.asdict(hardware)
    if continuation.checkpoint_every is not None:
        where["checkpoint_every"] = continuation.checkpoint_every
    if continuation.resume is not None:
        run = _resume(
            continuation.resume, data, where, force=continuation.force, verbose=manner.verbose
        )
        _end(run)
        return
    if task is not None:
        check_named_once(task, data)
    if continuation.start_from is not None:
        settings["start_from"] = continuation.start_from
    chosen: str | Recipe | None = task
    if continuation.start_from is None:
        chosen, settings = _prepared(task, recipe, data, out, settings)
    if manner.dry_run:
        run_settings = {"out": out, "tensorboard": manner.tensorboard, **where, **settings}
        show_plan(chosen, data, run_settings, as_json=manner.as_json)
    elif manner.folds:
        assert chosen is not None  # which `_prepared` refuses
        OUT.line(train_folds(chosen, data, manner.folds, out, {**where, **settings}))
    else:
        _end(_train(chosen, data, out, manner, {**where, **settings}))


def _end(run: Run) -> None:
    """Print the run's folder, and what comes next."""
    OUT.line(str(run.folder))
    ERR.next_step(command("dlmath", "evaluate", run.folder), report=run.report_path)


def _prepared(
    task: str | None,
    other: str | None,
    data: list[str] | None,
    out: Path | None,
    changes: dict[str, Any],
) -> "tuple[str | Recipe, dict[str, Any]]":
    """Return the task, or another recipe of it, and the settings, asking for what is missing.

    Refuses what can be seen without TensorFlow, whose import takes seconds.
    """
    from dlmath.data.locate import PHANTOM, find_data
    from dlmath.data.sources import check_sources_exist
    from dlmath.models.own_images import is_own_images
    from dlmath.models.tasks import other_recipe, recipe_with

    if task is None:
        raise UserError(
            "Nothing to train: TASK is missing. Try: dlmath train pneumonia --data phantom, or see "
            "what there is: dlmath data list"
        )
    chosen = task if other is None else other_recipe(task, other)
    recipe = recipe_with(chosen, changes)
    if out is not None:
        Run.check_unoccupied(out)
    check_sources_exist(path for path in data or () if path != PHANTOM)
    if isinstance(chosen, str) and is_own_images(chosen):
        changes = ask_what_is_missing(show_summary([chosen], changes), changes, [chosen])
    elif not data:
        find_data(recipe.name)
    return chosen, changes


def _train(
    task: "str | Recipe | None",
    data: list[str] | None,
    out: Path | None,
    manner: Manner,
    settings: dict[str, Any],
) -> Run:
    """Train, and return the run."""
    load_tensorflow()
    from dlmath.cli.progress import reporter

    with reporter(verbose=manner.verbose) as report:
        return dlmath.train(
            task,
            data,
            out=out,
            tensorboard=manner.tensorboard,
            reporter=report,
            command=["dlmath", *sys.argv[1:]],
            **settings,
        )


def _resume(
    run: str, data: list[str] | None, where: dict[str, str], *, force: bool, verbose: bool
) -> Run:
    load_tensorflow()
    from dlmath.cli.progress import reporter
    from dlmath.training import resume

    with reporter(verbose=verbose) as report:
        return resume(run, data, force=force, reporter=report, **where)
