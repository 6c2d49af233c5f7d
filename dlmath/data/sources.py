"""Datasets of examples from the paths of `--data`: each with file, class, patient, hash."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from dlmath.data import dicom
from dlmath.data.archives import unpack
from dlmath.data.class_folders import PARTS, ImageFile, SourceContents, images_below, read_tree
from dlmath.data.class_spelling import alike_classes, merged_classes, spelling_of
from dlmath.data.listing import counted, listed
from dlmath.data.patient_reading import PatientReading, read_patients
from dlmath.data.tables import read_table
from dlmath.data.tfds import PREFIX as TFDS_PREFIX
from dlmath.data.tfds import read_tfds
from dlmath.errors import DataError
from dlmath.given_paths import given_path
from dlmath.names import composed_names, folded
from dlmath.recipe.table_columns import ENDINGS as TABLES
from dlmath.recipe.table_columns import ColumnNames
from dlmath.reporting import SILENT, Reporter

Source = Path | str


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image file and what is known of it.

    Attributes:
        file: Its path relative to its source with forward slashes, prefixed `<archive>!/` in a zip:
            the same on every machine, and the name of the example everywhere.
        path: Where the bytes lie now.
        label: Its class, spelt as in the dataset's `classes`.
        part: train, validation or test as found on disk, or None.
        patient: Whose image it is, or None where no rule and no column says so.
        sha256: Of the file's bytes, in hexadecimal.
    """

    file: str
    path: Path
    label: str
    part: str | None
    patient: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """The images of all sources together.

    Attributes:
        examples: Sorted by `file`.
        classes: In the recipe's order, or alphabetical where it names none.
        passed_over: How many entries were not taken for images, by what they were.
        sources: The paths as they were given.
        phantom: Whether any source holds drawn images instead of real ones.
        warnings: What a reader of results from these data should know.
        patients: How the patients of `examples` were found.
    """

    examples: tuple[ImageRecord, ...]
    classes: tuple[str, ...]
    passed_over: Mapping[str, int]
    sources: tuple[str, ...]
    phantom: bool
    warnings: tuple[str, ...]
    patients: PatientReading = field(default_factory=PatientReading)


def read_sources(
    paths: Sequence[Source],
    *,
    classes: Sequence[str] = (),
    patient_rules: Sequence[str] | None = None,
    likely_rules: Sequence[str] = (),
    columns: ColumnNames | None = None,
    fewest_classes: int = 2,
    reporter: Reporter = SILENT,
) -> Dataset:
    """Read the class trees, zips, folders of zips, CSV files and `tfds:NAME` sets in `paths`.

    Args:
        paths: One or more sources; where two of them hold an equal relative name, every name is
            prefixed with its source's.
        classes: The recipe's classes, matched without case; empty: as found.
        patient_rules: As in a recipe; empty where patients are not known; None to find out. A
            CSV's column `patient` wins over them, and for a DICOM file its own tag does, blank or
            not.
        likely_rules: See `read_patients`.
        columns: Of CSV files that name theirs otherwise than file, class, patient and split.
        fewest_classes: How many classes must have images; 1 where a trained model is evaluated.
        reporter: Receives the progress.

    Raises:
        DataError: A source is missing, damaged, without images, or of other classes; or given
            rules do not read some name.
    """
    listing = list_files(paths, columns=columns, reporter=reporter)
    found, all_contents = listing.files, listing.contents
    spelling = spelling_of(
        {item.label for item in found},
        empty=set().union(*(contents.empty for contents in all_contents)),
        wanted=classes,
        where=listed([str(path) for path in paths]),
        fewest=fewest_classes,
    )
    patients = read_patients(found, patient_rules, likely_rules)
    patients.require_all_read()
    examples = tuple(
        ImageRecord(item.file, item.path, spelling[folded(item.label)], part, patient, sha256)
        for item, part, patient, sha256 in zip(
            found,
            (PARTS[item.part] if item.part else None for item in found),
            patients.patients,
            _hashes(found, reporter),
            strict=True,
        )
    )
    return Dataset(
        examples=examples,
        classes=tuple(classes) or tuple(sorted(set(spelling.values()))),
        passed_over=dict(sum((contents.passed_over for contents in all_contents), Counter())),
        sources=tuple(str(path) for path in paths),
        phantom=any(contents.phantom for contents in all_contents),
        warnings=(*_warnings(found, all_contents), *patients.warnings),
        patients=patients,
    )


@dataclass(frozen=True, slots=True)
class SourceListing:
    """The image files of all sources, before one is opened.

    Attributes:
        files: The images, sorted by file, under names that occur once.
        contents: Contents of each source, in the order given.
    """

    files: list[ImageFile]
    contents: list[SourceContents]


def list_files(
    paths: Sequence[Source],
    *,
    columns: ColumnNames | None = None,
    need_classes: bool = True,
    reporter: Reporter = SILENT,
) -> SourceListing:
    """List the images of all sources together, without opening one.

    Names of files are in Unicode's composed form, whatever the disk they lie on keeps.

    Args:
        paths: As in `read_sources`.
        columns: As in `read_sources`.
        need_classes: Whether each image must have a class. If not, a table needs no column for it,
            and a zip no class folders; the label of an image without a class is blank.
        reporter: Receives the progress.

    Raises:
        DataError: A source is missing, damaged or without images, or given twice.
    """
    _check_not_repeated(paths)
    _check_columns_have_a_table(paths, columns)
    reading = _Reading(columns, need_classes, reporter)
    all_contents = [_read(path, reading) for path in paths]
    told_apart = [with_own_patient(item) for item in _told_apart(paths, all_contents)]
    names = composed_names([item.file for item in told_apart])
    found = [item._replace(file=name) for item, name in zip(told_apart, names, strict=True)]
    found.sort(key=lambda item: item.file)
    _check_names_are_text(found)
    return SourceListing(found, all_contents)


def check_sources_exist(paths: Iterable[Source]) -> None:
    """Check that every source exists, before anything is read.

    Raises:
        DataError: A source does not exist.
    """
    for path in paths:
        if not (str(path).startswith(TFDS_PREFIX) or given_path(path).exists()):
            raise DataError(
                f"There are no data at {path}. Pass a folder of class folders, a zip of one or a "
                "CSV with --data; to try without data: --data phantom"
            )


def data_hash(dataset: Dataset) -> str:
    """Return a sha256 over file, class and content of all examples, equal on every machine."""
    rows = [(item.file, item.label, item.sha256) for item in dataset.examples]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _check_not_repeated(paths: Sequence[Source]) -> None:
    times = Counter(given_path(path).resolve() for path in paths)
    if repeated := [str(path) for path, number in times.items() if number > 1]:
        raise DataError(f"Each source is read once. Received twice: {listed(repeated)}")


def _check_columns_have_a_table(paths: Sequence[Source], columns: ColumnNames | None) -> None:
    if columns is None or columns.likely or not columns.written:
        return
    if not any(Path(path).suffix.lower() in TABLES for path in paths):
        raise DataError(
            "--columns names the columns of a CSV, and there is none among the data. Received: "
            f"{listed(columns.written)}, with {listed([str(path) for path in paths])}. Leave it "
            "out."
        )


def _check_names_are_text(found: Iterable[ImageFile]) -> None:
    """Check that file names are text, as split.csv needs."""
    names = [item.file for item in found if not _is_text(item.file)]
    if names:
        shown = listed([repr(name) for name in names])
        raise DataError(
            f"{counted(len(names), 'file name')} cannot be read as UTF-8: {shown}. Rename them."
        )


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True)
class _Reading:
    """How sources are read; see `list_files`."""

    columns: ColumnNames | None
    need_classes: bool
    reporter: Reporter


def _read(source: Source, reading: _Reading) -> SourceContents:
    check_sources_exist([source])
    path = given_path(source)
    is_tfds = str(source).startswith(TFDS_PREFIX)
    try:
        if is_tfds:
            contents = read_tfds(str(source), reporter=reading.reporter)
        elif path.is_dir():
            contents = _read_folder(path, reading)
        else:
            contents = _read_file(path, reading)
    except OSError as error:
        raise DataError(f"Cannot read {error.filename or path}: {error.strerror}.") from error
    if not contents.files:
        raise _no_images(path, contents)
    return contents


def _read_folder(folder: Path, reading: _Reading) -> SourceContents:
    contents = read_tree(folder)
    archives = sorted(path for path in folder.glob("*.[zZ][iI][pP]") if path.is_file())
    if contents.files or not archives:
        return contents
    union = SourceContents()
    for archive in archives:
        part = _read_file(archive, reading)
        if not part.files:
            raise _no_images(archive, part)
        union.files += part.files
        union.passed_over += part.passed_over
        union.empty |= part.empty
        union.phantom |= part.phantom
        union.warnings += part.warnings
    return union


def _read_file(path: Path, reading: _Reading) -> SourceContents:
    ending = path.suffix.lower()
    if ending in TABLES:
        return read_table(path, reading.columns, need_classes=reading.need_classes)
    if ending != ".zip":
        raise DataError(
            "Data are a folder of class folders, a zip of one, a folder of such zips, or a table "
            f"that ends in {' or '.join(TABLES)}. "
            f"Received: {path}"
        )
    root = unpack(path, reporter=reading.reporter)
    contents = read_tree(root)
    if not contents.files and not reading.need_classes:
        below = SourceContents()
        names = [image.relative_to(root).as_posix() for image in images_below(root, below)]
        contents = replace(below, files=[ImageFile(name, root / name, "", None) for name in names])
    contents.files = [item._replace(file=f"{path.name}!/{item.file}") for item in contents.files]
    return contents


def _no_images(path: Path, contents: SourceContents) -> DataError:
    seen = [f"{number:,} {what}" for what, number in sorted(contents.passed_over.items())]
    seen += [f"{name}/ without images" for name in sorted(contents.empty)]
    return DataError(
        f"No image in a class folder was found in {path}. Expected CLASS/*.jpeg, "
        "CLASS/PATIENT/*.jpeg, or train/CLASS/*.jpeg and test/CLASS/*.jpeg. "
        f"Received: {listed(seen) or 'nothing at all'}"
    )


def _told_apart(
    paths: Sequence[Source], all_contents: Sequence[SourceContents]
) -> Iterator[ImageFile]:
    """Give all that was found, under names that occur once."""
    times = Counter(item.file for contents in all_contents for item in contents.files)
    collide = any(number > 1 for number in times.values())
    taken: set[str] = set()
    for path, contents in zip(paths, all_contents, strict=True):
        prefix = _unused(_source_name(path), taken) + "/" if collide else ""
        for item in contents.files:
            yield item._replace(file=prefix + item.file)


def _source_name(source: Source) -> str:
    return given_path(str(source).removeprefix(TFDS_PREFIX)).resolve().name


def _unused(name: str, taken: set[str]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}-{number}", number + 1
    taken.add(candidate)
    return candidate


def with_own_patient(item: ImageFile) -> ImageFile:
    """Return a DICOM file with the patient of its tag; a column `patient` wins over it."""
    if not dicom.is_dicom_file(item.path):
        return item
    patient = item.patient or dicom.patient_of_file(item.path)
    return item._replace(patient=patient, named=False)


def _hashes(found: Sequence[ImageFile], reporter: Reporter) -> list[str]:
    hashes = hash_files(found, reporter)
    faults = [item.file for item, sha256 in zip(found, hashes, strict=True) if sha256 is None]
    if faults:
        raise DataError(f"{counted(len(faults), 'file')} cannot be read: {listed(faults)}.")
    return [sha256 for sha256 in hashes if sha256 is not None]


def hash_files(found: Sequence[ImageFile], reporter: Reporter = SILENT) -> list[str | None]:
    """Return the sha256 of each file's bytes in hexadecimal; None for one that cannot be read."""
    hashes = []
    # Threads: the time goes into waiting for the disk, and hashing lets other threads run.
    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as pool:
        for sha256 in pool.map(_sha256, (item.path for item in found)):
            hashes.append(sha256)
            reporter.progress("hashing", len(hashes), len(found))
    return hashes


def _sha256(path: Path) -> str | None:
    try:
        if not path.is_file():  # a pipe would be waited for without end
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _warnings(found: Sequence[ImageFile], all_contents: Sequence[SourceContents]) -> Iterator[str]:
    for contents in all_contents:
        yield from contents.warnings
    labels = {item.label for item in found}
    yield from (*merged_classes(labels), *alike_classes(labels))
    if merged := sum(item.part == "val" for item in found):
        yield (
            f"{counted(merged, 'image')} of the part `val` joined the training part: validation "
            "is drawn from the training patients. To keep a part of your own, name it `validation`."
        )
