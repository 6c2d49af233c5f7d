"""Read data for an audit as training does, but go on past every fault: the audit names them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlmath.audit.findings import Finding, single
from dlmath.audit.folders import check_folders
from dlmath.data.archives import unpack
from dlmath.data.class_folders import PARTS, ImageFile
from dlmath.data.listing import counted, listed
from dlmath.data.patient_reading import PatientReading, read_patients
from dlmath.data.sources import ImageRecord, Source, hash_files, list_files
from dlmath.errors import DataError
from dlmath.given_paths import given_path
from dlmath.names import composed, folded, look_alikes, told_apart
from dlmath.recipe.table_columns import ColumnNames
from dlmath.reporting import SILENT, Reporter


@dataclass(frozen=True)
class AuditData:
    """The images to audit, and the findings of reading them.

    Attributes:
        examples: Every image that the sources name, readable or not, sorted by file.
        classes: Class names, spelt as in the recipe, else as first found.
        findings: Findings from folders and file names.
        phantom: Whether any of the images is drawn.
    """

    examples: tuple[ImageRecord, ...]
    classes: tuple[str, ...]
    findings: tuple[Finding, ...]
    phantom: bool = False


def read_for_audit(
    paths: Sequence[Source],
    classes: Sequence[str],
    patient_rules: Sequence[str] | None,
    likely_rules: Sequence[str] = (),
    *,
    columns: ColumnNames | None = None,
    reporter: Reporter = SILENT,
) -> AuditData:
    """List and hash the images of the sources; every fault becomes a finding.

    Args:
        paths: As for `dlmath.data.read_sources`.
        classes: The recipe's classes, or none.
        patient_rules: See `read_patients`.
        likely_rules: See `read_patients`.
        columns: As for `dlmath.data.read_sources`.
        reporter: Receives the progress.
    """
    found_in_folders = folder_findings(paths, reporter)
    try:
        listing = list_files(paths, columns=columns, reporter=reporter)
    except DataError as error:
        return AuditData((), tuple(classes), (*found_in_folders, _unusable(str(error))))
    patients = read_patients(listing.files, patient_rules, likely_rules)
    spelling = _spelling(listing.files, classes)
    examples = tuple(
        ImageRecord(
            file=item.file,
            path=item.path,
            label=spelling[folded(item.label)],
            part=PARTS[item.part] if item.part else None,
            patient=patient,
            # What cannot be read is like nothing else.
            sha256=sha256 or f"unreadable {item.file}",
        )
        for item, patient, sha256 in zip(
            listing.files, patients.patients, hash_files(listing.files, reporter), strict=True
        )
    )
    findings = [*found_in_folders, *patient_findings(patients), *_of_classes(examples, classes)]
    findings += _alike(examples, found_in_folders)
    is_said = any(finding.kind == "one-class" for finding in findings)
    if len({example.label for example in examples}) < 2 and not is_said:
        findings.append(_unusable("A classifier needs images of at least two classes."))
    names = tuple(classes) or tuple(sorted(set(spelling.values())))
    phantom = any(contents.phantom for contents in listing.contents)
    return AuditData(examples, names, tuple(findings), phantom)


def folder_findings(paths: Sequence[Source], reporter: Reporter = SILENT) -> list[Finding]:
    """Return the findings of the folders and zips at the paths."""
    roots = [root for path in paths for root in _roots(given_path(path), reporter)]
    return [finding for root in roots for finding in check_folders(root)]


def _roots(path: Path, reporter: Reporter) -> list[Path]:
    """Return the class trees at a path: a folder, or what its zips were unpacked to."""
    if path.is_dir():
        archives = [one for one in sorted(path.iterdir()) if one.suffix.lower() == ".zip"]
        has_folders = any(one.is_dir() and not one.name.startswith(".") for one in path.iterdir())
        if has_folders or not archives:
            return [path]
    else:
        archives = [path] if path.suffix.lower() == ".zip" and path.is_file() else []
    try:
        return [unpack(archive, reporter=reporter) for archive in archives]
    except DataError:  # said by the reading that follows
        return []


def _spelling(found: Sequence[ImageFile], classes: Sequence[str]) -> dict[str, str]:
    """Return how each class is spelt, by its folded name."""
    spelling = {folded(item.label): composed(item.label) for item in reversed(found)}
    return spelling | {folded(name): name for name in classes}


def _of_classes(examples: Sequence[ImageRecord], classes: Sequence[str]) -> Iterator[Finding]:
    present = {example.label for example in examples}
    for name in sorted(present - set(classes) if classes else ()):
        files = [example.file for example in examples if example.label == name]
        yield Finding(
            kind="class-unknown",
            severity="error",
            message=f"{counted(len(files), 'image')} are of {name!r}, a class that the recipe does "
            "not name.",
            advice="Rename the folder or move it away.",
            groups=single(files),
        )


def _alike(examples: Sequence[ImageRecord], told: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the classes that look alike, except those whose folders were told of."""
    known = [set(one.figures["names"]) for one in told if one.kind == "class-spelling"]
    for names in look_alikes({example.label for example in examples}):
        if not any(set(names) <= group for group in known):
            yield Finding(
                kind="class-spelling",
                severity="error",
                message="Classes differ only in case, blanks, dashes or the form of a number, and "
                f"are several to dlmath. They are {listed(told_apart(names))}.",
                advice="Write them alike, as one class.",
                groups=single([one.file for one in examples if one.label in names]),
                figures={"names": names},
            )


def _unusable(message: str) -> Finding:
    return Finding(kind="unusable", severity="error", message=message)


def patient_findings(patients: PatientReading) -> Iterator[Finding]:
    """Yield findings where the patients of images are guessed, doubtful or unknown."""
    if patients.guess:
        yield Finding(
            kind="patients-guessed",
            severity="note",
            message=f"The patients are guessed from the file names: {patients.guess}.",
            advice="If that is wrong, say how to read them: --patients REGEX, or --patients none.",
        )
    for doubt in patients.doubts:
        yield Finding(kind="patients-doubted", severity="warning", message=doubt)
    if unknown := patients.patients.count(None) - len(patients.unread):
        yield Finding(
            kind="patients-unknown",
            severity="note",
            message=f"The patient of {counted(unknown, 'image')} is not known: images of one "
            "patient may be on both sides of a split.",
            advice="Say how to read them: --patients REGEX, or in a column `patient` of a CSV.",
        )
    if patients.unread:
        yield Finding(
            kind="patients-unread",
            severity="error",
            message=f"No patient rule reads {counted(len(patients.unread), 'file name')}.",
            advice=f"Change `patient_rules`, now {list(patients.rules)}, or name each patient in a "
            "CSV.",
            groups=single(patients.unread),
        )
