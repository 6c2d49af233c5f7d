"""The audit as one HTML page, with thumbnails of the files that the findings name."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from dlmath import pages
from dlmath.audit.data_audit import Audit
from dlmath.audit.findings import Finding
from dlmath.data.listing import counted
from dlmath.data.sources import ImageRecord
from dlmath.data.thumbnail import thumbnail_address
from dlmath.output_files import write_output

TILE = 96  # pixels a side
GROUPS_SHOWN = 24  # of a finding
FILES_SHOWN = 6  # of a group
FILES_LISTED = 500
ROWS_SHOWN = 50  # of values


def write_page(audit: Audit, path: Path) -> Path:
    """Write the page and return its path.

    Raises:
        UserError: The file cannot be written.
    """
    write_output(path, audit_page(audit), "--html")
    return path


def audit_page(audit: Audit) -> str:
    """Return the page's HTML; it needs no other file."""
    by_file = {example.file: example for example in audit.examples}
    thumbnails = _Thumbnails(by_file)
    names = ", ".join(PurePosixPath(source).name or source for source in audit.sources)
    patients = "" if audit.patients is None else f" of {counted(audit.patients, 'patient')}"
    body = [pages.paragraph(f"{counted(len(audit.examples), 'image')}{patients}.")]
    if audit.phantom:
        body.append(pages.paragraph("Drawn, not real: says nothing about real images.", "warning"))
    body.append(_overview(audit))
    for finding in audit.findings:
        body += _section(finding, thumbnails)
    return pages.page(f"Audit of {names}", body)


def _overview(audit: Audit) -> str:
    rows = [
        (finding.severity, finding.kind, finding.message, _count(finding))
        for finding in audit.findings
    ]
    return pages.table(("severity", "kind", "what was found", "files"), rows, numbers=(3,))


def _section(finding: Finding, thumbnails: "_Thumbnails") -> list[str]:
    parts = [
        pages.heading(finding.kind, finding.severity),
        pages.paragraph(finding.message),
    ]
    if finding.advice:
        parts.append(pages.paragraph(finding.advice, "faint"))
    parts += [_measured(name, rows) for name, rows in finding.figures.items() if _is_table(rows)]
    parts += [thumbnails.group(group) for group in finding.groups[:GROUPS_SHOWN]]
    if finding.groups:
        parts.append(_file_list(finding))
    return parts


def _count(finding: Finding) -> str:
    return f"{len(finding.files):,}" if finding.files else ""


def _is_table(figure: Any) -> bool:
    return isinstance(figure, list) and bool(figure) and isinstance(figure[0], Mapping)


def _measured(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return values that come as a list of rows, such as the AUC of each measurement."""
    header = list(rows[0])
    cells = [[_cell(row[column]) for column in header] for row in rows[:ROWS_SHOWN]]
    numbers = [place for place, column in enumerate(header) if isinstance(rows[0][column], float)]
    return pages.fold(f"figures: {name}", pages.table(header, cells, numbers))


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)


def _file_list(finding: Finding) -> str:
    names = [", ".join(group) for group in finding.groups[:FILES_LISTED]]
    if len(finding.groups) > FILES_LISTED:
        names.append(f"and {len(finding.groups) - FILES_LISTED:,} more; --json has them all")
    return pages.fold(f"{counted(len(finding.files), 'file')} by name", pages.lines(names))


class _Thumbnails:
    """Draws each file once."""

    def __init__(self, by_file: Mapping[str, ImageRecord]):
        self.by_file = by_file
        self.drawn: dict[str, str] = {}

    def group(self, files: Sequence[str]) -> str:
        """Return the first files of a group side by side."""
        figures = [self._figure(file) for file in files[:FILES_SHOWN]]
        if len(files) > FILES_SHOWN:
            figures.append(pages.paragraph(f"and {len(files) - FILES_SHOWN:,} more", "faint"))
        return pages.side_by_side(figures)

    def _figure(self, file: str) -> str:
        if file not in self.drawn:
            self.drawn[file] = self._draw(file)
        return self.drawn[file]

    def _draw(self, file: str) -> str:
        example = self.by_file.get(file)
        if example is None:
            return pages.figure(None, file)
        short = "/".join(file.split("/")[-3:])  # part, class and name; the rest stands in the list
        caption = short if example.label in short else f"{example.label}: {short}"
        # What cannot be read has no picture: that is what the finding is about.
        return pages.figure(thumbnail_address(example.path, file, TILE), caption)
