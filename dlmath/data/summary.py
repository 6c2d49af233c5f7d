"""Summaries of sources and datasets: counts by class, part and patient."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlmath.data.class_spelling import spellings
from dlmath.data.folds import Folds
from dlmath.data.found_files import count_formats
from dlmath.data.patient_reading import PatientReading, read_patients
from dlmath.data.patients import patient_count
from dlmath.data.sources import Dataset, ImageRecord, Source, list_files
from dlmath.data.splits import PARTS, Split
from dlmath.names import folded
from dlmath.recipe.table_columns import ColumnNames
from dlmath.reporting import SILENT, Reporter


@dataclass(frozen=True, slots=True)
class Share:
    """Counts of images and patients, in all or in one part.

    Attributes:
        images: By class, every class named.
        patients: None where not every image's patient is known.
    """

    images: Mapping[str, int]
    patients: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a dataset and of its split.

    Attributes:
        patients: How many there are and how that was found, as `PatientReading.as_json` says.
        on_disk: By part as found on disk; images of no part are under `all`.
        split: By part, and `left_out`; None where the data cannot be split.
        formats: How many images are of each format, by their first bytes.
        folds: By fold, with `test` and `left_out` where images are in none; None if not asked for.
    """

    sources: tuple[str, ...]
    phantom: bool
    classes: tuple[str, ...]
    patients: Mapping[str, Any]
    on_disk: Mapping[str, Share]
    split: Mapping[str, Share] | None
    folds: Mapping[str, Share] | None
    passed_over: Mapping[str, int]
    formats: Mapping[str, int]
    warnings: tuple[str, ...]


def summarise(
    dataset: Dataset,
    split: Split | None,
    warnings: Iterable[str] = (),
    folds: Folds | None = None,
) -> Summary:
    """Count a dataset, its split and its folds; `warnings` are added to those of both."""
    by_part: dict[str, list[ImageRecord]] = {}
    for example in dataset.examples:
        by_part.setdefault(example.part or "all", []).append(example)
    return Summary(
        sources=dataset.sources,
        phantom=dataset.phantom,
        classes=dataset.classes,
        patients=dataset.patients.as_json(),
        on_disk={name: _share(part, dataset.classes) for name, part in by_part.items()},
        split=None if split is None else _split_shares(split, dataset.classes),
        folds=None if folds is None else _fold_shares(folds, dataset.classes),
        passed_over=dataset.passed_over,
        formats=dict(count_formats(example.path for example in dataset.examples)),
        warnings=(*dataset.warnings, *(split.warnings if split else ()), *warnings),
    )


def _split_shares(split: Split, classes: tuple[str, ...]) -> dict[str, Share]:
    return {name: _share(split.part(name), classes) for name in (*PARTS, "left_out")}


def _fold_shares(folds: Folds, classes: tuple[str, ...]) -> dict[str, Share]:
    shares = {f"fold {number}": _share(own, classes) for number, own in enumerate(folds.folds, 1)}
    outside = {"test": folds.test, "left_out": folds.left_out}
    return shares | {name: _share(own, classes) for name, own in outside.items() if own}


def _share(examples: Iterable[ImageRecord], classes: tuple[str, ...]) -> Share:
    examples = list(examples)
    labels = Counter(example.label for example in examples)
    patients = patient_count(example.patient for example in examples) if examples else 0
    return Share({name: labels[name] for name in classes}, patients)


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """Classes, image counts and patients of sources, before an image is read.

    Attributes:
        images: Number of images of each class, in alphabetical order.
        parts: Number of images in each part on disk; empty where there are none.
        patients: Patients of all images, and how they were found.
    """

    images: Mapping[str, int]
    parts: Mapping[str, int]
    patients: PatientReading

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes found."""
        return tuple(self.images)

    @property
    def imbalance(self) -> float:
        """Ratio of the images of the largest class to those of the smallest."""
        return max(self.images.values()) / min(self.images.values())


def summarise_sources(
    paths: Sequence[Source],
    patient_rules: Sequence[str] | None = None,
    columns: ColumnNames | None = None,
    reporter: Reporter = SILENT,
) -> SourceSummary:
    """List the images of the sources and count them by class, part and patient.

    Args:
        paths: As for `read_sources`.
        patient_rules: See `read_patients`.
        columns: See `read_sources`.
        reporter: Receives the progress.

    Raises:
        DataError: A source is missing, damaged or without images; or given rules do not read some
            name.
    """
    found = list_files(paths, columns=columns, reporter=reporter).files
    # Several spellings of a class count as one, by the first in the alphabet: see `spelling_of`.
    spelling = spellings(item.label for item in found)
    images = Counter(spelling[folded(item.label)] for item in found)
    patients = read_patients(found, patient_rules)
    patients.require_all_read()
    return SourceSummary(
        images=dict(sorted(images.items())),
        parts=dict(sorted(Counter(item.part for item in found if item.part).items())),
        patients=patients,
    )
