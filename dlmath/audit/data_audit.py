"""Audit of a dataset: scan its files once, then run every check on the statistics."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from dlmath.audit.balance import check_balance
from dlmath.audit.border_shortcuts import check_border
from dlmath.audit.files import FAULTS, check_files
from dlmath.audit.findings import Finding, Severity
from dlmath.audit.image_stats import ImageStats
from dlmath.audit.leakage import check_leakage
from dlmath.audit.near_duplicates import check_near_duplicates
from dlmath.audit.reading import read_for_audit
from dlmath.audit.reviews import check_review
from dlmath.audit.scan import scan_images
from dlmath.audit.shift import check_shift
from dlmath.audit.shortcuts import check_shortcuts
from dlmath.data.listing import counted
from dlmath.data.patients import patient_count
from dlmath.data.sources import ImageRecord, Source
from dlmath.recipe.table_columns import ColumnNames
from dlmath.reporting import SILENT, Reporter

AUDIT_VERSION = 1
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True)
class Audit:
    """Result of an audit.

    Attributes:
        sources: The paths as they were given.
        examples: The images that were audited.
        classes: Class names.
        findings: Findings, the worst first.
        phantom: Whether any of the images is drawn.
    """

    sources: tuple[str, ...]
    examples: tuple[ImageRecord, ...]
    classes: tuple[str, ...]
    findings: tuple[Finding, ...]
    phantom: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings of each severity."""
        times = Counter(finding.severity for finding in self.findings)
        return {severity: times[severity] for severity in SEVERITIES}

    @property
    def faults(self) -> dict[str, str]:
        """The reasons why a training could not read files, by the file's name."""
        return {
            file: reason
            for finding in self.findings
            if finding.kind in FAULTS
            for file, reason in finding.figures["reasons"].items()
        }

    @property
    def patients(self) -> int | None:
        """Number of patients; None where not every image's is known."""
        return patient_count(example.patient for example in self.examples)

    @property
    def summary(self) -> str:
        """One line: how many images and findings, and the kinds of those that matter."""
        named = [finding.kind for finding in self.findings if finding.severity != "note"]
        kinds = f": {', '.join(dict.fromkeys(named))}" if named else ""
        counts = ", ".join(counted(number, name) for name, number in self.counts.items())
        return f"{counted(len(self.examples), 'image')}, {counts}{kinds}"

    def with_findings(self, more: Sequence[Finding]) -> "Audit":
        """Return the audit with further findings."""
        return replace(self, findings=by_severity([*self.findings, *more]))

    def as_json(self) -> dict[str, Any]:
        """Return the document of `data audit --json`."""
        return {
            "audit_version": AUDIT_VERSION,
            "sources": list(self.sources),
            "phantom": self.phantom,
            "images": len(self.examples),
            "patients": self.patients,
            "classes": list(self.classes),
            "counts": self.counts,
            "findings": [asdict(finding) for finding in self.findings],
        }


def audit_data(
    paths: Sequence[Source],
    *,
    classes: Sequence[str] = (),
    patient_rules: Sequence[str] | None = None,
    likely_rules: Sequence[str] = (),
    columns: ColumnNames | None = None,
    review: Path | None = None,
    region: tuple[float, float] | None = None,
    reporter: Reporter = SILENT,
) -> Audit:
    """Audit a dataset with every check.

    A fault in the data raises no error: it becomes a finding.

    Args:
        paths: As for `dlmath.data.read_sources`.
        classes: The recipe's classes; empty: as found.
        patient_rules: As for `dlmath.data.read_sources`.
        likely_rules: See `read_patients`.
        columns: As for `dlmath.data.read_sources`.
        review: A CSV with second readings of the labels; see `dlmath.audit.reviews`.
        region: Width and height of the part in the middle that the labels are about, as fractions
            of the picture; None where the recipe names none.
        reporter: Receives the progress.

    Raises:
        DataError: The review cannot be read.

    Example:
        >>> from dlmath.audit import audit_data
        >>> audit = audit_data(["cells"], classes=["Parasitized", "Uninfected"])
        >>> audit.phantom, audit.counts["error"]
        (True, 0)
    """
    audited = read_for_audit(
        paths, classes, patient_rules, likely_rules, columns=columns, reporter=reporter
    )
    stats = scan_images(audited.examples, reporter=reporter)
    findings = check_examples(
        audited.examples, stats, audited.classes, region=region, reporter=reporter
    )
    if review is not None:
        findings += check_review(audited.examples, audited.classes, review)
    return Audit(
        sources=tuple(str(path) for path in paths),
        examples=audited.examples,
        classes=audited.classes,
        findings=by_severity([*audited.findings, *findings]),
        phantom=audited.phantom,
    )


def check_examples(
    examples: Sequence[ImageRecord],
    stats: Sequence[ImageStats],
    classes: Sequence[str],
    *,
    region: tuple[float, float] | None = None,
    reporter: Reporter = SILENT,
) -> list[Finding]:
    """Return the findings of all checks that need only images and labels; see `audit_data`."""
    present = {example.label for example in examples}
    findings = check_files(examples, stats)
    findings += check_leakage(examples, stats)
    findings += check_near_duplicates(examples, stats, reporter=reporter)
    findings += check_balance(examples, classes)
    if len(present) > 1:
        findings += check_shortcuts(examples, stats, classes)
        findings += check_border(examples, stats, classes, region)
        findings += check_shift(examples, stats)
    return findings


def by_severity(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings with errors first, otherwise in the order of the checks."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
