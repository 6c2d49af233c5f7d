"""The audit before a training: of the very images that it reads, in the parts that it splits."""

from dataclasses import replace

from dlmath.data.audit import Audit, by_severity, check_examples, folder_findings, gather_facts
from dlmath.data.audit.page import write_page
from dlmath.data.splits import PARTS
from dlmath.reporting import Reporter
from dlmath.runs import Run, write_json
from dlmath.training.prepare import Prepared


def audit_prepared(prepared: Prepared, reporter: Reporter) -> Audit:
    """Audit the images of a split and say the outcome in one line.

    Images that the split leaves out are not looked at: they cannot leak any more.
    """
    examples = tuple(
        replace(example, part=name) for name in PARTS for example in prepared.split.part(name)
    )
    facts = gather_facts(examples, progress=reporter.progress)
    classes = prepared.recipe.classes
    findings = check_examples(examples, facts, classes, progress=reporter.progress)
    findings += folder_findings(prepared.sources)
    audit = Audit(
        sources=prepared.catalogue.sources,
        examples=examples,
        classes=classes,
        findings=by_severity(findings),
        phantom=prepared.catalogue.phantom,
    )
    reporter.say(f"Audit: {audit.summary}")
    return audit


def write_audit(run: Run, audit: Audit) -> None:
    """Write the run's `audit.json`, and the page with thumbnails beside its report."""
    write_json(run.audit_path, audit.as_json())
    write_page(audit, run.report_path.with_name("audit.html"))
