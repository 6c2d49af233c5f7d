"""What runs answered on their test parts, image by image, as `predictions.csv` keeps it."""

import csv
from collections.abc import Mapping, Sequence

import numpy as np

from dlmath.data.listing import counted, listed
from dlmath.errors import RunError
from dlmath.evaluation.intervals import Sample
from dlmath.inference.columns import probability_columns
from dlmath.inference.decision_rule import DecisionRule
from dlmath.runs import Run

Rows = Mapping[str, Mapping[str, str]]


def read_predictions(run: Run, rule: DecisionRule) -> Rows:
    """Return the rows of a run's `predictions.csv` by file.

    Raises:
        RunError: It is not there, or damaged.
    """
    path = run.folder / "predictions.csv"
    if not path.is_file():
        raise RunError(
            f"{run.folder} has not been evaluated on its test part: {path.name} is missing. "
            f"Run: dlmath evaluate {run.folder}"
        )
    wanted = ["file", "patient", "class", *probability_columns(rule.classes)]
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RunError(f"Cannot read {path}: {error}.") from error
    if not rows or any(row.get(column) is None for row in rows for column in wanted):
        raise RunError(
            f"{path} is damaged: it must have the columns {', '.join(wanted)} and a row for each "
            f"image. Write it again: dlmath evaluate {run.folder}"
        )
    return {row["file"]: row for row in rows}


def refuse_other_images(runs: Sequence[Run], rows: Sequence[Rows]) -> None:
    """Refuse unless both runs answered for the same files with the same class and bytes."""
    (one, other), (first, second) = runs, rows
    for here, mine, theirs in ((one, first, second), (other, second, first)):
        if extra := sorted(set(mine) - set(theirs)):
            raise RunError(
                "Only runs evaluated on the same test images can be compared. "
                f"{counted(len(extra), 'image')} of {here.name} alone: {listed(extra)}. "
                "Give both the same data, seed and test part, and evaluate both again."
            )
    hashes = [_hashes(run) for run in runs]
    checks = {
        "class": [{file: row["class"] for file, row in table.items()} for table in rows],
        "patient": [{file: row["patient"] for file, row in table.items()} for table in rows],
        "content": hashes,
    }
    for what, (of_one, of_other) in checks.items():
        if unlike := sorted(file for file in first if of_one.get(file) != of_other.get(file)):
            raise RunError(
                f"Only runs evaluated on the same test images can be compared. In {one.name} and "
                f"{other.name} the {what} differs of {counted(len(unlike), 'image')}: "
                f"{listed(unlike)}. Give both the same data, and evaluate both again."
            )


def _hashes(run: Run) -> dict[str, str]:
    """Return the SHA-256 of the images of a run's test part, by file."""
    try:
        with run.split_path.open(newline="", encoding="utf-8") as lines:
            return {
                row["file"]: row["sha256"]
                for row in csv.DictReader(lines)
                if row["split"] == "test"
            }
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise RunError(f"Cannot read {run.split_path}: {error}. Train again.") from error


def sample_of(
    rule: DecisionRule, rows: Sequence[Mapping[str, str]], clusters: np.ndarray
) -> Sample:
    """Return rows of `read_predictions` as a sample."""
    columns = probability_columns(rule.classes)
    try:
        probabilities = np.array([[float(row[name]) for name in columns] for row in rows])
        truth = np.array([rule.classes.index(row["class"]) for row in rows])
    except ValueError as error:
        raise RunError(
            f"A predictions.csv is damaged: {error}. Write it again with: dlmath evaluate"
        ) from error
    return Sample(rule, truth, probabilities, clusters)
