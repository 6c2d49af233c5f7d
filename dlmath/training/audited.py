"""The audit before a training: of the very images that it reads, in the parts that it splits."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from dlmath._version import __version__
from dlmath.audit import (
    Audit,
    Finding,
    by_severity,
    check_examples,
    folder_findings,
    patient_findings,
    scan_images,
    write_page,
)
from dlmath.audit.data_audit import AUDIT_VERSION
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import PARTS
from dlmath.errors import RunError
from dlmath.reporting import Reporter
from dlmath.runs import Run, cache_home, read_json, write_json
from dlmath.training.manifest import relative_source
from dlmath.training.prepare import Prepared


def audit_prepared(prepared: Prepared, reporter: Reporter) -> Audit:
    """Audit the images of a split and say the outcome in one line.

    Images that the split leaves out are not looked at: they cannot leak any more. What an earlier
    training found out about the same images in the same parts is taken from the cache.
    """
    examples = tuple(
        replace(example, part=name) for name in PARTS for example in prepared.split.part(name)
    )
    findings = folder_findings(prepared.sources)
    findings += patient_findings(prepared.dataset.patients)
    findings += _of_images(examples, prepared.recipe.classes, reporter)
    audit = Audit(
        sources=tuple(str(source) for source in prepared.sources),
        examples=examples,
        classes=prepared.recipe.classes,
        findings=by_severity(findings),
        phantom=prepared.dataset.phantom,
    )
    reporter.say(f"Audit: {audit.summary}")
    return audit


def write_audit(run: Run, audit: Audit) -> None:
    """Write the run's `audit.json`, and the page with thumbnails beside its report.

    Sources are named as seen from the run, as in its manifest: a run that is passed on tells
    nothing of the folders above it.
    """
    audit = replace(
        audit, sources=tuple(relative_source(source, run.folder) for source in audit.sources)
    )
    write_json(run.audit_path, audit.as_json())
    write_page(audit, run.report_path.with_name("audit.html"))


def _of_images(
    examples: Sequence[ImageRecord], classes: Sequence[str], reporter: Reporter
) -> list[Finding]:
    path = _place(examples, classes)
    with suppress(RunError, TypeError, KeyError):  # not there, or damaged: looked at again
        findings = [Finding.from_json(document) for document in read_json(path)]
        path.touch()
        return findings
    stats = scan_images(examples, reporter=reporter)
    findings = check_examples(examples, stats, classes, reporter=reporter)
    with suppress(OSError):  # a full disk costs the next training a minute, and this one nothing
        write_json(path, [asdict(finding) for finding in findings])
    return findings


def _place(examples: Sequence[ImageRecord], classes: Sequence[str]) -> Path:
    """Return where the findings on these images are kept: under all that decides them."""
    rows = [(e.file, e.sha256, e.label, e.part, e.patient) for e in examples]
    decisive = json.dumps([__version__, AUDIT_VERSION, list(classes), rows])
    digest = hashlib.sha256(decisive.encode()).hexdigest()
    return cache_home() / "audit" / "findings" / f"{digest[:32]}.json"
