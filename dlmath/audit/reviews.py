"""Reviews of labels: a CSV of second readings, such as experts publish, disputes some labels.

The CSV has a header line and two columns, `file` and a reading under any name, one line a file:

    file,review
    cell_images/Parasitized/C33P1_cell_1.png,True_parasitized      confirms the label Parasitized
    cell_images/Parasitized/C33P1_cell_2.png,False_parasitized     disputes it
    cell_images/Parasitized/C33P1_cell_3.png,Uninfected            a class: disputes it too

Case does not matter. A file is found if its name in the data ends with the one in the CSV, or the
other way round, folder by folder; files that the CSV does not name are taken as not reviewed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from scipy.stats import binomtest

from dlmath.audit.findings import Finding, single
from dlmath.data.listing import counted, listed
from dlmath.data.sources import ImageRecord
from dlmath.data.strict_csv import read_csv
from dlmath.errors import DataError
from dlmath.names import composed, folded
from dlmath.number_text import SENTENCE, estimate_text

_CONFIRMS, _DISPUTES = "true_", "false_"


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """One line of a review.

    Attributes:
        line: Its number in the CSV.
        file: As written there.
        value: As written there.
    """

    line: int
    file: str
    value: str


def check_review(
    examples: Sequence[ImageRecord], classes: Sequence[str], review: Path
) -> list[Finding]:
    """Count the labels that a review disputes, by class, and name the files.

    Args:
        examples: What was reviewed.
        classes: Their names.
        review: The CSV, see above.

    Returns:
        `disputed-labels`, a warning if there are any: `figures` has reviewed, disputed, share, low
        and high (Wilson, 95 %), overall and under `classes`. `review-of-other-files`, a note, where
        names of the CSV are not in the data.

    Raises:
        DataError: The CSV cannot be read, holds a reading that is none, names a file twice or so
            that it fits several, or no file of the data.
    """
    readings = read_review(review)
    found, missing = _found(readings, examples, review)
    if not found:
        raise DataError(
            f"None of the {counted(len(readings), 'file')} of {review} is in the data. Received: "
            f"{listed([reading.file for reading in readings])}. Pass the data that were reviewed."
        )
    disputed = [
        example
        for example, reading in found
        if not _confirms(reading, example.label, classes, review)
    ]
    findings = [_finding([example for example, _ in found], disputed, classes)]
    return findings + ([_others(missing, review)] if missing else [])


def read_review(path: Path) -> list[ReviewLine]:
    """Read the lines of a review.

    Raises:
        DataError: It is no CSV of two columns whose first is `file`, or a line lacks one of them.
    """
    table = read_csv(path)
    header = [folded(name) for name in table.columns]
    if len(header) != 2 or header[0] != "file":
        raise DataError(
            f"{path} needs a header line and two columns, `file` and a reading. Received: "
            f"{','.join(table.columns)!r}"
        )
    readings = []
    for row in table.rows:
        file, reading = (row.values[name] for name in header)
        if not file or not reading:
            raise DataError(
                f"{path}, line {row.line}: expected a file and a reading. Received: "
                f"{f'{file},{reading}'!r}"
            )
        readings.append(ReviewLine(row.line, file.replace("\\", "/"), reading))
    return readings


def _found(
    readings: Sequence[ReviewLine], examples: Sequence[ImageRecord], review: Path
) -> tuple[list[tuple[ImageRecord, ReviewLine]], list[ReviewLine]]:
    """Return each reviewed example with its reading, and the readings of no example."""
    by_name = defaultdict(list)
    for example in examples:
        by_name[folded(PurePosixPath(example.file).name)].append(example)
    found: dict[str, tuple[ImageRecord, ReviewLine]] = {}
    missing = []
    for reading in readings:
        candidates = by_name[folded(PurePosixPath(reading.file).name)]
        fitting = [one for one in candidates if _one_ends_the_other(one.file, reading.file)]
        same = [one for one in fitting if _one_ends_the_other(one.file, reading.file, composed)]
        fitting = same or fitting  # as spelt, before any other spelling
        if len(fitting) > 1:
            raise DataError(
                f"{review}, line {reading.line}: {reading.file} may be any of "
                f"{listed([one.file for one in fitting])}. Write more of its folders."
            )
        if not fitting:
            missing.append(reading)
        elif fitting[0].file in found:
            raise DataError(f"{review}, line {reading.line}: {reading.file} is named twice.")
        else:
            found[fitting[0].file] = fitting[0], reading
    return list(found.values()), missing


def _one_ends_the_other(one: str, other: str, key: Callable[[str], str] = folded) -> bool:
    shorter, longer = sorted((PurePosixPath(key(name)).parts for name in (one, other)), key=len)
    return longer[-len(shorter) :] == shorter


def _confirms(reading: ReviewLine, label: str, classes: Sequence[str], review: Path) -> bool:
    value = folded(reading.value)
    names = [folded(name) for name in classes]
    if value in names:
        return value == folded(label)
    for prefix, confirms in ((_CONFIRMS, True), (_DISPUTES, False)):
        if value == prefix + folded(label):
            return confirms
    accepted = [f"True_{label}", f"False_{label}", *classes]
    raise DataError(
        f"{review}, line {reading.line}: a reading of an image of {label} is one of "
        f"{', '.join(accepted)}. Received: {reading.value!r}"
    )


def _finding(
    reviewed: Sequence[ImageRecord], disputed: Sequence[ImageRecord], classes: Sequence[str]
) -> Finding:
    whole = _share(len(disputed), len(reviewed))
    by_class = dict(_shares(reviewed, disputed, classes))
    told = ", ".join(
        f"{name} {one['disputed']:,} of {one['reviewed']:,}" for name, one in by_class.items()
    )
    disputed_share = estimate_text(
        whole["share"], whole["low"], whole["high"], form=".1%", style=SENTENCE
    )
    return Finding(
        kind="disputed-labels",
        severity="warning" if disputed else "note",
        message=(
            f"A second reading disputes {len(disputed):,} of {counted(len(reviewed), 'label')}, "
            f"{disputed_share}: {told}."
        ),
        advice=(
            "Look at them, and correct or leave out what is wrong: as it is, no model can be known "
            f"to be better than {1 - whole['share']:.1%} accurate."
            if disputed
            else ""
        ),
        groups=single([example.file for example in disputed]),
        figures={**whole, "classes": by_class},
    )


def _shares(
    reviewed: Sequence[ImageRecord], disputed: Sequence[ImageRecord], classes: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in classes:
        if number := sum(example.label == name for example in reviewed):
            yield name, _share(sum(example.label == name for example in disputed), number)


def _share(disputed: int, reviewed: int) -> dict[str, Any]:
    interval = binomtest(disputed, reviewed).proportion_ci(0.95, method="wilson")
    return {
        "reviewed": reviewed,
        "disputed": disputed,
        "share": disputed / reviewed,
        "low": float(interval.low),
        "high": float(interval.high),
    }


def _others(missing: Sequence[ReviewLine], review: Path) -> Finding:
    return Finding(
        kind="review-of-other-files",
        severity="note",
        message=(
            f"{counted(len(missing), 'file')} of {review} are not in the data: "
            f"{listed([reading.file for reading in missing])}."
        ),
        figures={"files": len(missing)},
    )
