"""`dlmath evaluate`."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dlmath.cli.options import FinishedRun, Json
from dlmath.cli.output import ERR, OUT
from dlmath.cli.recipe_options import ColumnsOption, PatientsOption, named_columns, patient_rules
from dlmath.cli.startup import load_tensorflow
from dlmath.data.listing import counted
from dlmath.errors import UserError
from dlmath.fold_runs import FoldRuns
from dlmath.number_text import SENTENCE, estimate_text, interval_text
from dlmath.runs import Run
from dlmath.terminal_text import command

if TYPE_CHECKING:
    from dlmath.evaluation import Evaluation


def evaluate(
    run: FinishedRun = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Other images than the run's: a folder, a zip, a CSV or tfds:NAME. May be "
            "repeated. Without parts on disk all of them are taken.",
            metavar="PATH",
        ),
    ] = None,
    split: Annotated[
        Literal["test", "validation", "all"], typer.Option(help="Which part of the images.")
    ] = "test",
    patients: PatientsOption = None,
    columns: ColumnsOption = None,
    prevalence: Annotated[
        float | None,
        typer.Option(
            help="Also give the metrics that change at this share of the positive class.",
            show_default=False,
        ),
    ] = None,
    slice_by: Annotated[
        list[str] | None,
        typer.Option(
            help="Also give the metrics by a column of a CSV that has a column `file`. May be "
            "repeated.",
            metavar="FILE.csv:COLUMN",
        ),
    ] = None,
    region: Annotated[
        bool,
        typer.Option(
            "--region",
            help="Also measure whether the model looks at the recipe's region: with it masked, "
            "with the border masked, with borders swapped. Takes up to four times as long.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure a run, each metric with its 95 % interval.

    Example: dlmath evaluate runs/pneumonia-20260101T120000Z --json
    """
    folds = None if run is None else FoldRuns.find(run)
    if folds is not None:
        options = (data, split != "test", patients, prevalence, slice_by, region)
        _evaluate_folds(folds, is_plain=not any(options), as_json=as_json)
        return
    found = Run.find(run)
    load_tensorflow()
    import dlmath
    from dlmath.cli.progress import reporter

    with reporter() as report:
        evaluation = dlmath.evaluate(
            found,
            data or None,
            split,
            patient_rules=patient_rules(patients),
            columns=named_columns(columns),
            prevalence=prevalence,
            slice_by=slice_by or (),
            region=region,
            reporter=report,
        )
    if as_json:
        OUT.document(evaluation.as_json())
        return
    _show(found, evaluation)
    is_reported = data is None and split == "test"
    ERR.next_step(
        f"{command('dlmath', 'predict', found.folder)} IMAGE",
        report=found.report_path if is_reported else None,
    )


def _evaluate_folds(folds: FoldRuns, *, is_plain: bool, as_json: bool) -> None:
    """Show what the folds of a cross-validation gave together: each was tested when it ended."""
    from dlmath.cli.folds import show_folds
    from dlmath.evaluation.folds_report import write_folds_report

    if not is_plain:
        raise UserError(
            f"{folds.folder} holds {len(folds.runs)} runs, each tested on its own fold. Leave the "
            f"other options out, or name one of them, such as {folds.runs[0].folder}"
        )
    if as_json:
        OUT.document(folds.metrics()["pooled"])
        return
    show_folds(folds, OUT)
    if not folds.report_path.is_file():  # of a version that wrote none
        write_folds_report(folds)
    ERR.next_step(
        f"{command('dlmath', 'predict', folds.runs[0].folder)} IMAGE", report=folds.report_path
    )


def _show(run: Run, evaluation: "Evaluation") -> None:
    """Print the metrics for people to read."""
    from dlmath.cli.evaluation_tables import (
        confusion_table,
        metrics_table,
        region_table,
        show_slices,
    )
    from dlmath.evaluation.headlines import headline
    from dlmath.evaluation.metric_table import label_of

    document = evaluation.as_json()
    OUT.line(headline(document))
    OUT.line(_origin(run, evaluation))
    OUT.show(metrics_table(document["metrics"]))
    OUT.show(confusion_table(evaluation.classes, evaluation.confusion, OUT.width))
    if evaluation.at_prevalence is not None:
        OUT.line(f"At a prevalence of {evaluation.at_prevalence['prevalence']:g}:")
        OUT.show(metrics_table(evaluation.at_prevalence["metrics"]))
    if points := document["operating_points"]:
        named = {f"{label_of(name)} %": metric for name, metric in points.items()}
        OUT.show(metrics_table(named, "operating point"))
    if evaluation.region_reliance is not None:
        OUT.line()
        OUT.show(region_table(evaluation.region_reliance))
    show_slices(document)
    OUT.line()
    for line in _further_lines(evaluation):
        OUT.line(line)
    for warning in evaluation.warnings:
        OUT.warning(warning)


def _origin(run: Run, evaluation: "Evaluation") -> str:
    from dlmath.evaluation.composition import composition_of

    images = f"{counted(evaluation.n, 'image')} ({composition_of(evaluation.as_json())})"
    patients = ""
    if evaluation.patients is not None:
        patients = f" of {counted(evaluation.patients, 'patient')}"
    lines = [f"{run.name}: {evaluation.task}, {evaluation.split}, {images}{patients}"]
    if evaluation.threshold is None:
        lines.append("The most probable class is decided; metrics are means over the classes.")
    else:
        lines.append(
            f"Positive is {evaluation.positive_class}, decided at a probability of at least "
            f"{evaluation.threshold.value:.4f} ({_chosen(evaluation)})."
        )
    return "\n".join(lines)


def _chosen(evaluation: "Evaluation") -> str:
    from dlmath.evaluation.threshold import place_of_choice

    assert evaluation.threshold is not None
    choice = evaluation.threshold_choice
    if choice is None:
        return f"chosen on {evaluation.threshold.chosen_on}"
    chosen = f"chosen on {place_of_choice(choice, evaluation.threshold.chosen_on)}"
    rule = choice["rule"]
    if "target" in choice:
        rule = f"{rule} of at least {choice['target']:g}"
    if "miss_cost" in choice:
        rule = f"{rule}, a miss like {choice['miss_cost']:g} false alarms"
    if choice["low"] is None:
        return f"{chosen} by {rule}"
    interval = interval_text(choice["low"], choice["high"], ".4f")
    return f"{chosen} by {rule}; 95 % interval {interval}"


def _further_lines(evaluation: "Evaluation") -> list[str]:
    """Say what else the JSON document holds, a line each."""
    lines = []
    choice = evaluation.threshold_choice
    if choice is not None and choice["preferred_here"] is not None:
        preferred = choice["preferred_here"]
        lines.append(
            f"By the same rule these images would have preferred a threshold of "
            f"{preferred['value']:.4f} (accuracy {preferred['accuracy']:.3f}); it was not used."
        )
    if evaluation.selective is not None:
        lines += _reliance_lines(evaluation.selective, evaluation.positive_class)
    if evaluation.test_openings is not None:
        lines.append(str(evaluation.test_openings))
    return lines


def _reliance_lines(selective: dict[str, Any], positive_class: str | None) -> list[str]:
    """Say how many images are answered, and how rightly."""
    from dlmath.evaluation.composition import counts_text

    def said(name: str) -> str:
        return estimate_text(**selective[name], style=SENTENCE)

    lines = []
    if selective["unusual"]:
        lines.append(f"Unlike the training images: a share of {said('unusual')}.")
    if selective["coverage"]:
        images = counts_text(selective["answered"], positive_class)
        risk = f"; wrong of those ({images}): {said('risk')}" if selective["risk"] else ""
        lines.append(f"Sure, and like the training images: a share of {said('coverage')}{risk}.")
    lines.append(f"Area under the risk-coverage curve: {said('area')}.")
    return lines
