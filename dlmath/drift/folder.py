"""New images from files: the outputs of a run's model for them, and their patients."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.data.class_folders import ImageFile, images_below
from dlmath.data.image_search import find_images
from dlmath.data.listing import counted, listed
from dlmath.data.lost_data import Picture, read_with_doubts
from dlmath.data.patient_reading import PatientReading, read_patients
from dlmath.data.sources import list_files, with_own_patient
from dlmath.data.tfds import PREFIX
from dlmath.drift.pictures import describe
from dlmath.drift.sketch import Sketch
from dlmath.errors import DataError
from dlmath.given_paths import given_path
from dlmath.inference.classifier import Classifier, Outputs
from dlmath.inference.columns import number_or_none
from dlmath.inference.outcome import EARLIER_NAMES
from dlmath.recipe.table_columns import ENDINGS as TABLES
from dlmath.recipe.table_columns import ColumnNames
from dlmath.reporting import SILENT, Reporter
from dlmath.stats.bootstrap import cluster_indices

_AT_ONCE = 64  # images that are decoded at a time, so that a folder of any size fits in memory
FARTHEST = 10
_UNKNOWN = (
    "The patients of these images are not known: as many images of each are supposed as in the "
    "reference. If there are more, false alarms are more frequent."
)


@dataclass(frozen=True, eq=False)
class Seen:
    """Outputs of a model for new images.

    Attributes:
        files: The N files that it gave numbers for.
        rows: (N, F), see `Sketch.rows`.
        ood_scores: (N,) out-of-distribution scores; None where the run fitted none.
        probabilities: (N, K).
        patients: (N,) indices; None where whose images they are is not known.
        warnings: Warnings for readers of the result.
    """

    files: tuple[str, ...]
    rows: np.ndarray
    ood_scores: np.ndarray | None
    probabilities: np.ndarray
    patients: np.ndarray | None
    warnings: tuple[str, ...]

    def farthest(self, sketch: Sketch) -> list[dict[str, Any]]:
        """Return the images that differ most from the training images, the farthest first."""
        if self.ood_scores is None:
            return []
        rule = sketch.rule
        outside = rule.out_of_distribution(self.ood_scores)
        decided = rule.decide(self.probabilities)
        entries = [
            {
                "file": self.files[row],
                "ood_score": number_or_none(self.ood_scores[row]),
                "out_of_distribution": None if outside is None else bool(outside[row]),
                "class": rule.classes[decided[row]],
            }
            for row in np.argsort(-self.ood_scores, kind="stable")[:FARTHEST]
        ]
        return [
            {**one, **{earlier: one[name] for name, earlier in EARLIER_NAMES.items()}}
            for one in entries
        ]


def find_new_images(
    sources: Sequence[str], columns: ColumnNames | None = None, reporter: Reporter = SILENT
) -> list[ImageFile]:
    """Return the image files of all sources.

    Args:
        sources: Image files, folders of them however deep, patterns, zips, CSV files, `tfds:NAME`.
        columns: How CSV files name their columns.
        reporter: Receives the progress.

    Raises:
        DataError: There is no image.
    """
    return [found for source in sources for found in _files_of(source, columns, reporter)]


def look_at(
    named: Sequence[ImageFile],
    classifier: Classifier,
    sketch: Sketch,
    reporter: Reporter,
    patient_rules: Sequence[str] | None = None,
    likely_rules: Sequence[str] = (),
) -> Seen:
    """Run a model on images.

    Args:
        named: The images, as `find_new_images` finds them.
        classifier: Computes what the images are compared by.
        sketch: Sketch of the classifier.
        reporter: Receives the progress.
        patient_rules: See `read_patients`.
        likely_rules: See `read_patients`.

    Raises:
        DataError: No image can be read, or given rules do not read some name.
    """
    reading = read_patients(named, patient_rules, likely_rules)
    reading.require_all_read()
    paths, good, bad = [found.path for found in named], list[int](), list[str]()
    parts, pictures, doubted = list[Outputs](), list[np.ndarray](), list[str]()
    for first in range(0, len(named), _AT_ONCE):
        images = _read_all(paths[first : first + _AT_ONCE], classifier.image_size)
        read = [(row, image) for row, image in enumerate(images) if not isinstance(image, str)]
        bad += [image for image in images if isinstance(image, str)]
        if read:
            good += [first + row for row, _ in read]
            pixels = np.stack([picture.pixels for _, picture in read])
            doubted += [named[first + row].file for row, picture in read if picture.doubts]
            parts.append(classifier.predict(pixels))
            pictures.append(describe(pixels))
        reporter.progress("new images", min(first + _AT_ONCE, len(named)), len(named))
    if not parts:
        raise DataError(f"No image can be read of {counted(len(named), 'file')}: {bad[0]}")
    files = [named[row].file for row in good]
    patients, warnings = _patients(reading, good)
    if doubted:
        warnings.append(
            f"{counted(len(doubted), 'image')} may have lost data, or show nothing; dlmath predict "
            f"says which it is: {listed(doubted)}"
        )
    outputs = Outputs.joined(parts)
    return _seen(sketch, files, outputs, np.concatenate(pictures), bad, patients, warnings)


def _seen(
    sketch: Sketch,
    files: list[str],
    outputs: Outputs,
    pictures: np.ndarray,
    bad: list[str],
    patients: np.ndarray | None,
    warnings: list[str],
) -> Seen:
    ood_scores = outputs.ood_scores
    rows = sketch.rows_of(outputs, pictures)
    if bad:
        warnings.append(f"{counted(len(bad), 'file')} cannot be read: {listed(bad)}")
    is_number = np.isfinite(rows).all(axis=1)
    if not is_number.all():
        number = counted(int((~is_number).sum()), "image")
        warnings.append(f"The model gives no number for {number}, which are left out.")
    return Seen(
        tuple(file for file, keep in zip(files, is_number, strict=True) if keep),
        rows[is_number],
        None if ood_scores is None else ood_scores[is_number],
        outputs.probabilities[is_number],
        None if patients is None else patients[is_number],
        tuple(warnings),
    )


def _patients(reading: PatientReading, rows: list[int]) -> tuple[np.ndarray | None, list[str]]:
    """Return the patients of some of the images as indices, and what is to be said of them."""
    if reading.count is None:
        return None, [*reading.warnings, _UNKNOWN]
    return cluster_indices([reading.patients[row] for row in rows]), list(reading.warnings)


def _files_of(source: str, columns: ColumnNames | None, reporter: Reporter) -> Iterator[ImageFile]:
    """Give each image; one that is not listed under a class has none."""
    path = given_path(source)
    is_listed = path.suffix.lower() in (".zip", *TABLES) or source.startswith(PREFIX)
    if is_listed or _holds_only_zips(path):
        listing = list_files([source], columns=columns, need_classes=False, reporter=reporter)
        yield from listing.files
    else:
        for image in find_images(str(path)):
            yield with_own_patient(ImageFile(str(image), image, "", None))


def _holds_only_zips(path: Path) -> bool:
    return path.is_dir() and any(path.glob("*.[zZ][iI][pP]")) and not any(images_below(path))


def _read_all(paths: Sequence[Path], size: int) -> list[Picture | str]:
    """Return each image, or why it cannot be read."""

    def read(path: Path) -> Picture | str:
        try:
            return read_with_doubts(path, str(path), size)
        except DataError as error:
            return str(error)

    with ThreadPoolExecutor() as pool:
        return list(pool.map(read, paths))
