"""`dlmath data`: what data are at hand, what they hold, how they look, and drawn stand-ins."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlmath import models
from dlmath.cli.audit import audit
from dlmath.cli.convert import convert
from dlmath.cli.counts import counts_table, cut_title
from dlmath.cli.download import download
from dlmath.cli.options import Json, TaskArgument
from dlmath.cli.output import ERR, OUT
from dlmath.cli.recipe_options import (
    ColumnsOption,
    PatientsOption,
    named_columns,
    patient_rules,
    reading_options,
)
from dlmath.cli.startup import load_tensorflow
from dlmath.cli.targets import check_task_spelling
from dlmath.errors import DataError
from dlmath.models.recipes import TASKS
from dlmath.number_text import estimate_cells
from dlmath.runs import Run
from dlmath.terminal_text import command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.data.sources import Dataset, Source
    from dlmath.data.summary import Summary
    from dlmath.linear_head.auc_curve import LearningCurve
    from dlmath.linear_head.patients_needed import Needed
    from dlmath.recipe import Recipe

app = typer.Typer(no_args_is_help=True, help="Get data, and see what they hold.")
app.command()(download)
app.command()(audit)
app.command()(convert)

Target = Annotated[
    str,
    typer.Argument(
        metavar="TASK|PATH",
        help="A task, for the data at hand, or a folder, zip, CSV or tfds:NAME.",
    ),
]


@app.command("list")
def list_tasks() -> None:
    """List the tasks, and where the data of each are."""
    from dlmath.cli.tables import Table
    from dlmath.data.locate import data_at_hand

    table = Table("task", "classes", "data at hand")
    for name, task in TASKS.items():
        ways = [f"dlmath data download {name}"] if task.archive else []
        ways += ["--data phantom"] if task.drawing else []
        found = str(data_at_hand(name) or f"none: {', or '.join(ways) or '--data PATH'}")
        table.add(name, ", ".join(task.recipe.classes), found)
    OUT.show(table)


@app.command()
def info(
    target: Target,
    folds: Annotated[
        int | None, typer.Option(metavar="K", help="Count K folds for cross-validation too.")
    ] = None,
    patients: PatientsOption = None,
    columns: ColumnsOption = None,
    as_json: Json = False,
) -> None:
    """Count images and patients, on disk and once split.

    Example: dlmath data info malaria --folds 5
    """
    from dlmath.data.folds import split_folds
    from dlmath.data.splits import split_examples
    from dlmath.data.summary import summarise

    recipe, dataset = _read(target, patient_rules(patients), columns)
    split, warnings = None, []
    try:
        split = split_examples(
            dataset,
            seed=recipe.seed,
            validation_fraction=recipe.validation_fraction,
            test_fraction=recipe.test_fraction,
        )
    except DataError as error:  # such data can still be evaluated on, and looked at
        warnings.append(str(error))
    folded = None if folds is None else split_folds(dataset, folds, recipe.seed)
    summary = summarise(dataset, split, warnings, folded)
    if as_json:
        OUT.document(dataclasses.asdict(summary))
    else:
        _print(summary)
        again = reading_options(patients, columns)
        ERR.next_step(command("dlmath", "data", "audit", target, *again))


@app.command()
def show(
    target: Target,
    out: Annotated[Path, typer.Option(help="The picture to write.", metavar="FILE")] = Path(
        "sheet.png"
    ),
    per_class: Annotated[int, typer.Option(min=1, help="Images of each class.")] = 8,
    augmented: Annotated[
        str | None,
        typer.Option(
            metavar="RECIPE",
            help="Show them augmented, as training by this task or recipe.toml would see them.",
        ),
    ] = None,
    columns: ColumnsOption = None,
) -> None:
    """Draw a sheet with images of each class.

    Example: dlmath data show ./data/cell_images --out cells.png
    """
    from dlmath.data.contact_sheet import write_contact_sheet
    from dlmath.models.tasks import recipe_with

    recipe = None if augmented is None else recipe_with(augmented, {})
    if recipe is not None:
        load_tensorflow()
    _, dataset = _read(target, columns=columns)
    OUT.line(str(write_contact_sheet(dataset, out, per_class, augmented=recipe)))


@app.command()
def phantom(
    task: TaskArgument,
    out: Annotated[Path, typer.Option(help="A folder, absent or empty.", metavar="DIR")],
    patients: Annotated[
        int | None, typer.Option(help="By default as many as train in a minute.")
    ] = None,
    difficulty: Annotated[
        float, typer.Option(min=0, max=1, help="0: obvious; 1: faint findings.")
    ] = 0.5,
    image_size: Annotated[
        int, typer.Option(help="Pixels a side of films; cells vary in size.")
    ] = 224,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other patients.")] = 0,
) -> None:
    """Draw a stand-in for a data set, to try things out.

    It is files on disk, with patients. Drawn images say nothing about real ones, and every
    report on them repeats that.

    Example: dlmath data phantom pneumonia --out phantom_xrays
    """
    from dlmath.cli.progress import reporter
    from dlmath.data.phantom import write_phantoms

    with reporter() as report:
        folder = write_phantoms(
            task,
            out,
            patients=patients,
            difficulty=difficulty,
            image_size=image_size,
            seed=seed,
            progress=report.task("drawing"),
        )
    OUT.line(str(folder))
    ERR.next_step(command("dlmath", "train", task, "--data", folder))


@app.command()
def howmany(
    run: Annotated[
        str | None, typer.Argument(help="A run whose head was solved; by default the newest.")
    ] = None,
    auc: Annotated[
        float, typer.Option(min=0.5, max=1, help="The validation AUC that is wanted.")
    ] = 0.97,
    as_json: Json = False,
) -> None:
    """Say how many training patients an AUC would take.

    Images, where no patient is known. Heads are solved for on growing draws of the run's training
    patients, scored on its validation part, and the curve is extrapolated; how wrong that is shows
    on sizes that were held back.

    Example: dlmath data howmany --auc 0.99
    """
    if not 0.5 < auc < 1:
        raise DataError(f"The AUC wanted must lie between 0.5 and 1. Received: --auc {auc:g}")
    found = Run.find(run)
    load_tensorflow()
    from dlmath.attribution import how_many
    from dlmath.cli.progress import reporter

    with reporter() as report:
        curve = how_many(found, reporter=report)
    needed = curve.needed(auc)
    if as_json:
        document = {
            "run": str(found.folder),
            "unit": curve.unit,
            "points": [dataclasses.asdict(point) for point in curve.points],
            "held_back": [dataclasses.asdict(one) for one in curve.held_back],
            "error": curve.error,
            "needed": dataclasses.asdict(needed),
        }
        OUT.document(document)
    else:
        _print_curve(curve, needed)


def _read(
    target: str, rules: tuple[str, ...] | None = None, columns: list[str] | None = None
) -> "tuple[Recipe, Dataset]":
    """Return the data of a task or at a path, and the recipe that they were read with.

    Args:
        target: The task, or the path.
        rules: By which to read the patients; None for those of the task, or to find them out.
        columns: How a CSV names its columns, as --columns says.
    """
    from dlmath.cli.progress import reporter
    from dlmath.data.locate import find_data
    from dlmath.data.sources import read_sources
    from dlmath.recipe import Recipe
    from dlmath.recipe.table_columns import column_names

    with reporter() as report:
        sources: Sequence[Source] = [target]
        recipe = models.RECIPES.get(target)
        if recipe:
            sources = find_data(target, reporter=report)
            rules = recipe.patient_rules if rules is None else rules
        else:
            check_task_spelling(target)
            recipe = Recipe(name="data")
        dataset = read_sources(
            sources,
            classes=recipe.classes,
            patient_rules=rules,
            columns=column_names(named_columns(columns) or ()),
            reporter=report,
        )
    return recipe, dataset


def _print(summary: "Summary") -> None:
    from dlmath.data.found_files import found_line, left_out_line

    title = ", ".join(summary.sources) + (" (drawn, not real)" if summary.phantom else "")
    OUT.show(counts_table(f"On disk: {title}", summary.classes, summary.on_disk))
    if summary.split:
        OUT.show(counts_table(cut_title("Split", summary), summary.classes, summary.split))
    if summary.folds:
        OUT.show(counts_table(cut_title("Folds", summary), summary.classes, summary.folds))
    OUT.line(found_line(summary.formats))
    if left_out := left_out_line(summary.passed_over):
        OUT.line(left_out)
    for warning in summary.warnings:
        OUT.warning(warning)


def _print_curve(curve: "LearningCurve", needed: "Needed") -> None:
    from dlmath.cli.tables import Column, Table

    units = f"{curve.unit}s"
    numbers = [Column(heading, number=True) for heading in (units, "AUC", "95 % interval")]
    table = Table(*numbers, title=f"Validation AUC by training {units}")
    for point in curve.points:
        table.add(f"{point.count:,}", *estimate_cells(point.auc, point.low, point.high, form=".4f"))
    OUT.show(table)
    for one in curve.held_back:
        OUT.line(
            f"Up to {one.fitted_to:,} {units} the curve predicted {one.predicted:.4f} for "
            f"{one.count:,}; it was {one.observed:.4f}."
        )
    OUT.line(needed.message)
