"""Audit the images of a training, in the parts of its split, before it begins."""

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
from dlmath.audit.files import FAULTS
from dlmath.audit.stats_cache import VERSION as STATS_VERSION
from dlmath.data.listing import counted
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import PARTS
from dlmath.errors import RunError
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run, cache_home, mark_used, read_json, write_json
from dlmath.training.manifest import relative_source
from dlmath.training.preparation import Prepared


def audit_prepared(prepared: Prepared, reporter: Reporter) -> Audit:
    """Audit the images of a split and report the outcome in one line.

    Images that the split leaves out are not examined: they cannot leak any more. The findings of an
    earlier training on the same images in the same parts come from the cache.
    """
    examples = tuple(
        replace(example, part=name) for name in PARTS for example in prepared.split.part(name)
    )
    findings = folder_findings(prepared.sources)
    findings += patient_findings(prepared.dataset.patients)
    findings += _image_findings(examples, prepared.recipe, reporter)
    audit = Audit(
        sources=tuple(str(source) for source in prepared.sources),
        examples=examples,
        classes=prepared.recipe.classes,
        findings=by_severity(findings),
        phantom=prepared.dataset.phantom,
    )
    reporter.say(f"Audit: {audit.summary}")
    return audit


def warnings_of(audit: Audit) -> list[str]:
    """Say why a training goes on although the audit found errors; empty where it found none.

    Files that cannot be read do not count: a training refuses or skips them, and says so itself.
    """
    errors = [one for one in audit.findings if one.severity == "error" and one.kind not in FAULTS]
    if not errors:
        return []
    found = " ".join(f"{finding.kind}: {finding.message}" for finding in errors)
    return [
        f"The audit found {counted(len(errors), 'error')} in images that can be read. The training "
        f"goes on, but its results may be wrong until this is mended. {found}"
    ]


def write_audit(run: Run, audit: Audit) -> None:
    """Write the run's `audit.json`, and the page with thumbnails next to its report.

    Sources are named relative to the run, as in its manifest, so that a run that is passed on does
    not show the folders above it.
    """
    audit = replace(
        audit, sources=tuple(relative_source(source, run.folder) for source in audit.sources)
    )
    write_json(run.audit_path, audit.as_json())
    write_page(audit, run.report_path.with_name("audit.html"))


def _image_findings(
    examples: Sequence[ImageRecord], recipe: Recipe, reporter: Reporter
) -> list[Finding]:
    path = _cache_path(examples, recipe)
    with suppress(RunError, TypeError, KeyError):  # not there, or damaged: examined again
        findings = [Finding.from_json(document) for document in read_json(path)]
        mark_used(path)
        return findings
    stats = scan_images(examples, reporter=reporter)
    findings = check_examples(
        examples, stats, recipe.classes, region=recipe.region, reporter=reporter
    )
    if any(finding.kind == "missing-reader" for finding in findings):
        return findings  # the package may be there next time
    with suppress(OSError):  # a full disk costs only the next training a minute
        write_json(path, [asdict(finding) for finding in findings])
    return findings


def _cache_path(examples: Sequence[ImageRecord], recipe: Recipe) -> Path:
    """Return the path of the cached findings, named by everything that decides them."""
    rows = [(e.file, e.sha256, e.label, e.part, e.patient) for e in examples]
    versions = [__version__, AUDIT_VERSION, STATS_VERSION]
    decisive = json.dumps([*versions, list(recipe.classes), recipe.region, rows])
    digest = hashlib.sha256(decisive.encode()).hexdigest()
    return cache_home() / "audit" / "findings" / f"{digest[:32]}.json"
