"""What a catalogue holds, counted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dlmath.data.folds import Folds
from dlmath.data.patients import patient_count
from dlmath.data.sources import Catalogue, Example
from dlmath.data.splits import PARTS, Split


@dataclass(frozen=True, slots=True)
class Share:
    """How many images and patients there are, in all or in one part.

    Attributes:
        images: By class, every class named.
        patients: None where not every image's patient is known.
    """

    images: Mapping[str, int]
    patients: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a catalogue and of its split.

    Attributes:
        patients: How many there are and how that was found, as `PatientReading.as_json` says.
        on_disk: By part as found on disk; images of no part are under `all`.
        split: By part, and `left_out`; None where the data cannot be split.
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
    warnings: tuple[str, ...]


def summarise(
    catalogue: Catalogue,
    split: Split | None,
    warnings: Iterable[str] = (),
    folds: Folds | None = None,
) -> Summary:
    """Count a catalogue, its split and its folds; `warnings` are added to those of both."""
    by_part: dict[str, list[Example]] = {}
    for example in catalogue.examples:
        by_part.setdefault(example.part or "all", []).append(example)
    return Summary(
        sources=catalogue.sources,
        phantom=catalogue.phantom,
        classes=catalogue.classes,
        patients=catalogue.patients.as_json(),
        on_disk={name: _share(part, catalogue.classes) for name, part in by_part.items()},
        split=None if split is None else _split_shares(split, catalogue.classes),
        folds=None if folds is None else _fold_shares(folds, catalogue.classes),
        passed_over=catalogue.passed_over,
        warnings=(*catalogue.warnings, *(split.warnings if split else ()), *warnings),
    )


def _split_shares(split: Split, classes: tuple[str, ...]) -> dict[str, Share]:
    return {name: _share(split.part(name), classes) for name in (*PARTS, "left_out")}


def _fold_shares(folds: Folds, classes: tuple[str, ...]) -> dict[str, Share]:
    shares = {f"fold {number}": _share(own, classes) for number, own in enumerate(folds.folds, 1)}
    outside = {"test": folds.test, "left_out": folds.left_out}
    return shares | {name: _share(own, classes) for name, own in outside.items() if own}


def _share(examples: Iterable[Example], classes: tuple[str, ...]) -> Share:
    examples = list(examples)
    labels = Counter(example.label for example in examples)
    patients = patient_count(example.patient for example in examples) if examples else 0
    return Share({name: labels[name] for name in classes}, patients)
