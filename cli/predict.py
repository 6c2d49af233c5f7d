"""`dlmath predict`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.chatter import without_chatter
from dlmath.cli.completion import run_names
from dlmath.cli.options import Json
from dlmath.cli.output import ERR, OUT
from dlmath.cli.startup import load_tensorflow
from dlmath.data.listing import counted
from dlmath.errors import UserError
from dlmath.fold_runs import FoldRuns
from dlmath.given_paths import given_path
from dlmath.inference.runtimes import RUNTIMES, RuntimeChoice, choose_runtime, kind_of_export
from dlmath.names import next_to_numbers
from dlmath.output_files import write_output
from dlmath.runs import Run, csv_text, is_run, places_of
from dlmath.terminal_text import command, one_line

if TYPE_CHECKING:
    from dlmath.inference import Prediction


RunOption = Annotated[
    str | None,
    typer.Option(
        "--run",
        help="The run, where it is not the first argument.",
        metavar="RUN",
        autocompletion=run_names,
        show_default=False,
    ),
]


def predict(
    arguments: Annotated[
        list[str],
        typer.Argument(
            help="Image files, folders of them, or patterns such as 'scans/*.png'. One that is a "
            "run, or an export of one, is RUN; by default the newest finished run.",
            metavar="[RUN] IMAGE...",
            autocompletion=run_names,
            show_default=False,
        ),
    ],
    run: RunOption = None,
    as_json: Json = False,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write a table of all files here instead.", metavar="FILE"),
    ] = None,
    runtime: Annotated[
        RuntimeChoice,
        typer.Option(help="light starts at once, where the run has that form of its model."),
    ] = "auto",
    prevalence: Annotated[
        float | None,
        typer.Option(
            help="Also give the probability of the positive class where this share of the patients "
            "has the disease.",
            show_default=False,
        ),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run a SavedModel, which is a program: know its maker.")
    ] = False,
) -> None:
    """Say what the images show. Files that cannot be read are reported, and the exit code is 2.

    Example: dlmath predict runs/malaria-20260101T120000Z cell.png
    """
    if as_json and csv is not None:
        raise UserError("Take either --json or --csv FILE. Received: both")
    model, images = _split_model(arguments, run)
    classes, predictions = _predict(model, images, runtime, prevalence, trust)
    is_partial = any(prediction.error is not None for prediction in predictions)
    if as_json:
        document = [prediction.as_json() for prediction in predictions]
        OUT.document(document)
    elif csv is not None:
        _write_csv(csv, classes, predictions, shifted=prevalence is not None)
        ERR.line(f"{csv}: {counted(len(predictions), 'row')}, one for each file")
    else:
        for prediction in predictions:
            OUT.line(_line(prediction, prevalence))
        # Programs call this one often; and after an error comes its mending.
        if isinstance(model, Run) and sys.stderr.isatty() and not is_partial:
            ERR.next_step(f"{command('dlmath', 'explain', model.folder)} IMAGE --out DIR")
    if is_partial:
        _report_bad_files(predictions)
        raise typer.Exit(2)


def _predict(
    model: Run | Path, images: list[str], runtime: str, prevalence: float | None, trust: bool
) -> tuple[tuple[str, ...], list["Prediction"]]:
    """Return the classes, and what is said of each image."""
    # Imported here: NumPy and Pillow take longer than all of `dlmath --help`.
    from dlmath.inference.predict_files import BATCH_SIZE, find_shift, predict_by
    from dlmath.inference.runtimes import load_classifier

    paths = find_named_images(images)
    shift = None if prevalence is None else find_shift(model, prevalence)
    _announce(model, runtime)
    with without_chatter():
        classifier = load_classifier(model, runtime, trust=trust)
    if len(paths) <= BATCH_SIZE:  # there is no progress to show, and what shows it loads slowly
        return classifier.classes, predict_by(classifier, paths, shift=shift)
    from dlmath.cli.progress import reporter

    with reporter() as report:
        return classifier.classes, predict_by(classifier, paths, shift=shift, reporter=report)


def find_named_images(named: list[str]) -> list[Path]:
    """Return the image files that were named, and say on stderr what else their folders hold."""
    from dlmath.data.found_files import left_out_line
    from dlmath.data.image_search import search_images

    found = search_images(named)
    if said := left_out_line(found.left_out):
        ERR.line(said)
    return found.paths


def _announce(model: Run | Path, runtime: str) -> None:
    """Say that something slow is about to be loaded, and load it."""
    chosen = choose_runtime(model, runtime)
    if chosen == "keras" and runtime == "auto" and isinstance(model, Run):
        ERR.line(f"{model.folder} has no light form of its model; Keras predicts.")
    if RUNTIMES[chosen].by_tensorflow:
        load_tensorflow()


def _split_model(arguments: list[str], named: str | None) -> tuple[Run | Path, list[str]]:
    """Split arguments as `split_run` does, where an export may stand in the place of a run."""
    if named is not None and kind_of_export(given_path(named)) and not _is_run(named):
        return given_path(named), arguments
    exports = [one for one in arguments if kind_of_export(given_path(one)) and not _is_run(one)]
    if not exports or named is not None:
        return split_run(arguments, named)
    runs = [one for one in arguments if _is_run(one)]
    images = [one for one in arguments if one not in exports]
    if len(exports) > 1 or runs:
        raise UserError(f"Name one run or export at a time. Received: {', '.join(exports + runs)}")
    if not images:
        raise UserError(f"Name an image file or a folder of them after {exports[0]}.")
    return given_path(exports[0]), images


def split_run(arguments: list[str], named: str | None) -> tuple[Run, list[str]]:
    """Return the run, and the arguments that are not it.

    Args:
        arguments: Images, and one run at most.
        named: The run that an option names; without one, it is that among the arguments, or else
            the newest finished one.

    Raises:
        UserError: Two runs are named, or there is no image.
        RunError: There is no such run; or it is a cross-validation, which holds several.
    """
    runs = [argument for argument in arguments if _is_run(argument) or FoldRuns.find(argument)]
    images = [argument for argument in arguments if argument not in runs]
    runs = list(dict.fromkeys([*runs, *([] if named is None else [named])]))
    if len(runs) > 1:
        raise UserError(f"Name one run at a time. Received: {', '.join(runs)}")
    if not images:
        raise UserError(f"Name an image file or a folder of them after {runs[0]}.")
    return Run.find(runs[0] if runs else None), images


def _is_run(argument: str) -> bool:
    """Return whether it is a run's folder, or the name of one that is no file here."""
    path, *named = places_of(argument)
    return is_run(path) or (not path.exists() and any(map(is_run, named)))


def _line(prediction: "Prediction", prevalence: float | None) -> str:
    if prediction.probabilities is None:
        return f"{one_line(prediction.file)}  not read"
    probabilities = "  ".join(
        f"{next_to_numbers(name)} {p:.3f}" for name, p in prediction.probabilities.items()
    )
    line = one_line(f"{prediction.file}  {prediction.decision}  ({probabilities})")
    if prediction.probability_at_prevalence is not None:
        at = f"{prediction.probability_at_prevalence:.3f} at a prevalence of {prevalence:g}"
        line += f"  positive: {at}"
    if prediction.doubts:
        return f"{line}  doubtful, {'; '.join(prediction.doubts)}: a person should look"
    if prediction.out_of_distribution:
        return f"{line}  unlike the training images: a person should look"
    return f"{line}  unsure: a person should look" if prediction.abstains else line


def _write_csv(
    path: Path, classes: Sequence[str], predictions: list["Prediction"], *, shifted: bool
) -> None:
    from dlmath.inference.outcome import csv_fields, csv_row

    table = csv_text(csv_fields(classes, shifted=shifted), map(csv_row, predictions))
    write_output(path, table, "--csv")


def _report_bad_files(predictions: list["Prediction"]) -> None:
    errors = [prediction.error for prediction in predictions if prediction.error is not None]
    for error in errors:
        ERR.error(error)
    ERR.line(
        f"{len(errors)} of {counted(len(predictions), 'file')} without an answer. Repair or "
        "convert what is named above, or leave it out.",
    )
