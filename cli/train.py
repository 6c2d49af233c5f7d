"""`dlmath train`."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import dlmath
from dlmath.cli.completion import backbone_names, run_names, task_names
from dlmath.cli.folds import train_folds
from dlmath.cli.output import OUT
from dlmath.cli.own_images import (
    PatientsOption,
    PositiveOption,
    ask_what_is_missing,
    patient_rules,
    show_survey,
)
from dlmath.cli.plan import show_plan
from dlmath.cli.startup import load_tensorflow
from dlmath.errors import UserError
from dlmath.runs import Run


def train(
    task: Annotated[
        str | None,
        typer.Argument(
            help="malaria, pneumonia, the path of a recipe.toml, or your own images: a folder of "
            "class folders, a zip of one, or a CSV.",
            show_default=False,
            autocompletion=task_names,
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="A folder, a zip, a CSV, tfds:NAME, or the word phantom. May be repeated.",
            metavar="PATH",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The run's own folder, runs/<task>-<UTC time> unless given.", metavar="DIR"
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            help="Go on with this interrupted run, instead of TASK.",
            metavar="RUN",
            autocompletion=run_names,
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Go on from this finished run with new --data: its recipe, weights and split.",
            metavar="RUN",
            autocompletion=run_names,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="With --resume: go on although data, versions or threads differ."
        ),
    ] = False,
    checkpoint_every: Annotated[
        str | None,
        typer.Option(
            help="Save within epochs too: 200steps, 30s, 5min or 1h, 5min unless given; less often "
            "where that would take more than 2 % of the time.",
            metavar="INTERVAL",
        ),
    ] = None,
    positive: PositiveOption = None,
    patients: PatientsOption = None,
    backbone: Annotated[
        str | None,
        typer.Option(help="The network under the head.", autocompletion=backbone_names),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="Pretrained weights, random ones, or a file.", metavar="imagenet|none|PATH"
        ),
    ] = None,
    layers: Annotated[
        Literal["keras", "scratch"] | None,
        typer.Option(help="Keras's layers, or ours with hand-derived gradients (malaria_cnn)."),
    ] = None,
    tune: Annotated[
        Literal["head", "tail", "all"] | None, typer.Option(help="Which part is trained.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="How often each training image is seen.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images a step.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of the head; pretrained weights take a fraction of it.")
    ] = None,
    mixup: Annotated[
        float | None, typer.Option(min=0, help="Mixup's alpha; 0 turns it off.")
    ] = None,
    image_size: Annotated[int | None, typer.Option(help="Pixels a side.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of split, order, augmentation and weights.")
    ] = None,
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        typer.Option(help="What the network computes in."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Any field of the recipe, such as dropout=0.3. May be repeated.",
            metavar="FIELD=VALUE",
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "gpu", "tpu"],
        typer.Option(help="What is asked for and not there is an error."),
    ] = "auto",
    strategy: Annotated[
        Literal["auto", "one", "mirrored", "tpu"],
        typer.Option(help="How several devices share a batch."),
    ] = "auto",
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Cross-validate: a run for each fold of the patients, each tested on its own.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Check all that can be checked, and print the plan and the time it would take.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the plan of --dry-run as one JSON document.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard events.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Also show what else goes to the run's log.txt.")
    ] = False,
) -> None:
    """Train a classifier.

    Saves it with its recipe, its split and its history, and prints the run's folder on
    stdout. Without --data it looks where `dlmath data list` says.

    Example: dlmath train pneumonia --data phantom --backbone efficientnet_lite0 --tune head
    """
    named = {
        "positive_class": positive,
        "patient_rules": patient_rules(patients),
        "backbone": backbone,
        "weights": weights,
        "layers": layers,
        "tune": tune,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "mixup": mixup,
        "image_size": image_size,
        "seed": seed,
        "precision": precision,
    }
    changes = {name: value for name, value in named.items() if value is not None}
    for name, value in map(dlmath.Recipe.parse_setting, setting or []):
        if name in changes:
            raise UserError(f"`{name}` is given twice. Leave out one of the two.")
        changes[name] = value
    where: dict[str, str] = {"device": device, "strategy": strategy}
    if checkpoint_every is not None:
        where["checkpoint_every"] = checkpoint_every
    if as_json and not dry_run:
        raise UserError("--json belongs to --dry-run. A training prints its run's folder alone.")
    if verbose and (dry_run or folds):
        raise UserError("--verbose shows a run's log. Leave it out with --dry-run and --folds.")
    if resume is not None:
        refused = [_option(name) for name in changes]
        refused += ["--out"] if out is not None else []
        refused += ["--tensorboard"] if tensorboard else []
        refused += ["--dry-run"] if dry_run else []
        refused += ["--folds"] if folds else []
        refused += ["--from"] if start_from is not None else []
        refused += [task] if task is not None else []
        OUT.line(str(_resume(resume, data, refused, where, force=force, verbose=verbose).folder))
        return
    if force:
        raise UserError("--force belongs to --resume: a new run has nothing to differ from.")
    if start_from is not None:
        if folds:
            raise UserError("--from does not take --folds. Leave one out.")
        changes["start_from"] = start_from
    else:
        if folds and (dry_run or tensorboard):
            raise UserError("--folds takes neither --dry-run nor --tensorboard. Leave one out.")
        task, changes = _prepared(task, data, out, changes)
    if dry_run:
        run = {"out": out, "tensorboard": tensorboard}
        show_plan(task, data, {**run, **where, **changes}, as_json=as_json)
    elif folds:
        assert task is not None  # which `_prepared` refuses
        OUT.line(train_folds(task, data, folds, out, {**where, **changes}))
    else:
        OUT.line(_train(task, data, out, tensorboard, changes, where, verbose=verbose))


def _option(field: str) -> str:
    """The option that sets a field of the recipe."""
    short = {"positive_class": "positive", "patient_rules": "patients"}
    return f"--{short.get(field, field).replace('_', '-')}"


def _prepared(
    task: str | None, data: list[str] | None, out: Path | None, changes: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the task and the settings, with what own images cannot say asked for.

    Refuses what can be seen without TensorFlow, whose import takes seconds.
    """
    from dlmath.data.locate import PHANTOM, find_data
    from dlmath.data.sources import refuse_absent
    from dlmath.models.own_images import is_own_images
    from dlmath.models.tasks import recipe_with

    if task is None:
        raise UserError(
            "Nothing to train: TASK is missing. Try: dlmath train pneumonia --data phantom "
            "--backbone efficientnet_lite0, or see what there is: dlmath data list"
        )
    recipe = recipe_with(task, changes)
    if out is not None:
        Run.refuse_occupied(out)
    refuse_absent(path for path in data or () if path != PHANTOM)
    if is_own_images(task):
        changes = ask_what_is_missing(show_survey(data or [task], changes), changes)
    elif not data:
        find_data(recipe.name)
    return task, changes


def _train(
    task: str | None,
    data: list[str] | None,
    out: Path | None,
    tensorboard: bool,
    changes: dict[str, Any],
    where: dict[str, str],
    *,
    verbose: bool,
) -> str:
    """Train, and return the run's folder."""
    load_tensorflow()
    from dlmath.cli.progress import reporter

    with reporter(verbose=verbose) as report:
        run = dlmath.train(
            task,
            data,
            out=out,
            tensorboard=tensorboard,
            reporter=report,
            command=["dlmath", *sys.argv[1:]],
            **where,
            **changes,
        )
    return str(run.folder)


def _resume(
    run: str,
    data: list[str] | None,
    refused: list[str],
    where: dict[str, str],
    *,
    force: bool,
    verbose: bool,
) -> Run:
    if refused:
        raise UserError(
            "A resumed run keeps its own recipe and folder, so --resume takes only --data, "
            "--device, --strategy, --checkpoint-every, --verbose and --force beside it. Received: "
            f"{', '.join(refused)}"
        )
    load_tensorflow()
    from dlmath.cli.progress import reporter
    from dlmath.training import resume

    with reporter(verbose=verbose) as report:
        return resume(run, data, force=force, reporter=report, **where)
