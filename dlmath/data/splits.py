"""Training, validation and test parts that share no patient, and the file that records them."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dlmath.data.listing import counted, listed
from dlmath.data.patient_groups import by_file, classes_of, group_by_patient, joined_patients, take
from dlmath.data.sources import Dataset, ImageRecord
from dlmath.data.stratify import cut_patients
from dlmath.data.strict_csv import read_own_csv
from dlmath.errors import DataError, RecipeError, RunError
from dlmath.names import composed, composed_names
from dlmath.runs import write_csv

PARTS = ("train", "validation", "test")

LEFT_OUT = "left_out"
_COLUMNS = ("file", "sha256", "class", "patient", "split")


@dataclass(frozen=True, slots=True)
class Split:
    """Examples by part, each part sorted by file.

    Attributes:
        left_out: Images in no part, since their patient is in a part that came with the data.
        warnings: What a reader of results from this split should know.
    """

    train: tuple[ImageRecord, ...]
    validation: tuple[ImageRecord, ...]
    test: tuple[ImageRecord, ...]
    left_out: tuple[ImageRecord, ...] = ()
    warnings: tuple[str, ...] = ()

    def part(self, name: str) -> tuple[ImageRecord, ...]:
        """Return the examples of the part `name`: train, validation, test or left_out.

        Raises:
            ValueError: There is no such part.
        """
        if name not in (*PARTS, LEFT_OUT):
            raise ValueError(f"`name` must be one of {PARTS} or left_out. Received: name={name!r}")
        part: tuple[ImageRecord, ...] = getattr(self, name)
        return part


def split_examples(
    dataset: Dataset, *, seed: int, validation_fraction: float, test_fraction: float
) -> Split:
    """Split a dataset by patient, stratified by the set of classes that a patient has.

    A validation or test part found on disk stays as it is, except that a patient is in one part
    only: in test before validation, in validation before train. Their further images are left
    out. Parts that are not on disk are cut from the remaining patients, `validation_fraction` and
    `test_fraction` of them. An image without a patient counts as a patient of its own, and patients
    who share a byte-identical file as one.

    Raises:
        DataError: A class has too few patients to be in every part.
        RecipeError: The fractions leave nothing to train on.
    """
    patient_of = joined_patients(dataset.examples)

    def on_disk(*parts: str | None) -> dict[str, list[ImageRecord]]:
        own = (example for example in dataset.examples if example.part in parts)
        return group_by_patient(own, patient_of)

    test, validation, rest = on_disk("test"), on_disk("validation"), on_disk("train", None)
    left_out = take(validation, test.keys()) + take(rest, test.keys() | validation.keys())
    parts = {"test": test, "validation": validation}
    fractions = {"test": test_fraction, "validation": validation_fraction}
    fractions = {name: fractions[name] for name in fractions if not parts[name]}
    _require_rest(fractions, rest, dataset.classes)
    cut = cut_patients(classes_of(rest), fractions, rest="train", seed=seed)
    for name, patients in cut.items():
        parts[name] = {patient: rest[patient] for patient in patients}
    split = Split(
        train=_sorted(parts["train"]),
        validation=_sorted(parts["validation"]),
        test=_sorted(parts["test"]),
        left_out=by_file(left_out),
    )
    return replace(split, warnings=tuple(split_warnings(split, dataset.classes)))


def split_hash(split: Split) -> str:
    """Return a sha256 over file, content, class and patient by part, equal on every machine."""
    rows = [list(row.values()) for row in _rows(split)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def write_split(split: Split, path: Path) -> None:
    """Write `split` as a CSV with the columns file,sha256,class,patient,split.

    Images in no part are written too, with `left_out` for their split.
    """
    write_csv(path, _COLUMNS, _rows(split))


def read_split(path: Path, dataset: Dataset, accepted: list[str] | None = None) -> Split:
    """Read a split that `write_split` wrote, finding its images in `dataset` by file.

    Images of the dataset that the split does not name are in no part, with a warning.

    Args:
        path: Of the split.
        dataset: The images that are there now.
        accepted: Gets what is missing or changed, which is then left out or taken as it is now.

    Raises:
        RunError: The file is missing or was not written by `write_split`.
        DataError: An image that the split names is missing or has other bytes or another class,
            and that is not accepted.
    """
    rows = read_rows(path)
    examples = {example.file: example for example in dataset.examples}
    if accepted is None:
        _require_unchanged(path, rows, examples)
    else:
        accepted += _changes(rows, examples)
        rows = [row for row in rows if row["file"] in examples]
    parts: dict[str, list[ImageRecord]] = {name: [] for name in (*PARTS, LEFT_OUT)}
    for row in rows:
        example = replace(examples.pop(row["file"]), patient=row["patient"] or None)
        parts[row["split"]].append(example)
    split = Split(
        train=by_file(parts["train"]),
        validation=by_file(parts["validation"]),
        test=by_file(parts["test"]),
        left_out=by_file(parts[LEFT_OUT]),
    )
    warnings = list(split_warnings(split, dataset.classes))
    if examples:
        warnings.append(f"{counted(len(examples), 'image')} of the data are not in {path}.")
    return replace(split, warnings=tuple(warnings))


def _sorted(by_patient: Mapping[str, Sequence[ImageRecord]]) -> tuple[ImageRecord, ...]:
    return by_file(example for own in by_patient.values() for example in own)


def _require_rest(
    fractions: Mapping[str, float],
    rest: Mapping[str, Sequence[ImageRecord]],
    classes: Sequence[str],
) -> None:
    if sum(fractions.values()) >= 1:
        raise RecipeError(
            "`validation_fraction` and `test_fraction` must add to less than 1. Received: "
            + ", ".join(f"{name}_fraction={fraction}" for name, fraction in fractions.items())
        )
    present = {example.label for own in rest.values() for example in own}
    if absent := [label for label in classes if label not in present]:
        raise DataError(
            f"There is no image of {listed(absent)} to train on. Received: "
            f"{counted(len(rest), 'patient')} outside the validation and test parts on disk. Pass "
            "data of every class with --data."
        )


def _rows(split: Split) -> Iterator[dict[str, str]]:
    for name in (*PARTS, LEFT_OUT):
        for example in split.part(name):
            values = (example.file, example.sha256, example.label, example.patient or "", name)
            yield dict(zip(_COLUMNS, values, strict=True))


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the lines of a split's file, as tables by column.

    Raises:
        RunError: The file is missing or was not written by `write_split`.
    """
    try:
        rows = read_own_csv(path)
    except OSError as error:
        raise RunError(
            f"Cannot read the split {path}: {error.strerror}. Put a copy of it back, or train "
            "again."
        ) from error
    except ValueError as error:
        raise RunError(f"The split {path} is damaged: {error}. Train again.") from error
    if not rows:
        raise RunError(f"{path} holds no image. Train again.")
    for number, row in enumerate(rows, start=2):
        if tuple(row) != _COLUMNS or row["split"] not in (*PARTS, LEFT_OUT):
            raise RunError(
                f"{path}, line {number}, is not as it was written: expected {','.join(_COLUMNS)} "
                f"with a split of {', '.join(PARTS)} or {LEFT_OUT}. Train again."
            )
    names = composed_names([row["file"] for row in rows])  # as `list_files` gives them
    rows = [
        {**row, "file": name, "patient": composed(row["patient"])}
        for row, name in zip(rows, names, strict=True)
    ]
    times = Counter(names)
    if repeated := [file for file, number in times.items() if number > 1]:
        raise RunError(
            f"{path} names {counted(len(repeated), 'image')} more than once: {listed(repeated)}. "
            "Put a copy of it back, or train again."
        )
    return rows


def _require_unchanged(
    path: Path, rows: Sequence[Mapping[str, str]], examples: Mapping[str, ImageRecord]
) -> None:
    if missing := _missing(rows, examples):
        raise DataError(
            f"{counted(len(missing), 'image')} of {path} are not in the data: {listed(missing)}. "
            "Pass the data that the run was trained on with --data."
        )
    if changed := _changed(rows, examples):
        raise DataError(
            f"{counted(len(changed), 'image')} of {path} changed since the run: {listed(changed)}. "
            "Restore them, or train again on the data as they are now."
        )


def _changes(
    rows: Sequence[Mapping[str, str]], examples: Mapping[str, ImageRecord]
) -> Iterator[str]:
    if missing := _missing(rows, examples):
        yield f"{counted(len(missing), 'image')} gone: {listed(missing)}"
    if changed := _changed(rows, examples):
        yield f"{counted(len(changed), 'image')} changed: {listed(changed)}"


def _missing(rows: Sequence[Mapping[str, str]], examples: Mapping[str, ImageRecord]) -> list[str]:
    return [row["file"] for row in rows if row["file"] not in examples]


def _changed(rows: Sequence[Mapping[str, str]], examples: Mapping[str, ImageRecord]) -> list[str]:
    there = ((row, examples[row["file"]]) for row in rows if row["file"] in examples)
    return [
        row["file"]
        for row, example in there
        if (row["sha256"], row["class"]) != (example.sha256, example.label)
    ]


def split_warnings(split: Split, classes: Sequence[str]) -> Iterator[str]:
    """Return what a reader of results from a split should know."""
    examples = {name: split.part(name) for name in PARTS}
    if split.left_out:
        outside = len(split.train) + len(split.validation) + len(split.left_out)
        yield (
            f"{len(split.left_out):,} of {outside:,} images outside the test part were left out: "
            "their patients are in the test or validation part that came with the data."
        )
    if unknown := sum(e.patient is None for part in examples.values() for e in part):
        yield (
            f"The patient of {counted(unknown, 'image')} is not known: images of one patient may "
            "be on both sides, which makes results look better than they are."
        )
    for name, part in examples.items():
        if absent := sorted(set(classes) - {example.label for example in part}):
            yield f"The {name} part holds no image of {listed(absent)}."
