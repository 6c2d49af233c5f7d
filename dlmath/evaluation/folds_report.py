"""`report/index.html` of a cross-validation: what its folds are worth together and each."""

from collections.abc import Iterator, Mapping
from typing import Any

from dlmath import pages
from dlmath.evaluation.composition import composition_of
from dlmath.evaluation.headlines import headline
from dlmath.evaluation.metric_table import METRICS, label_of
from dlmath.evaluation.report_faults import not_writable
from dlmath.fold_runs import FoldRuns
from dlmath.number_text import estimate_text, value_text
from dlmath.runs import write_text


def write_folds_report(folds: FoldRuns) -> None:
    """Write the report of a finished cross-validation.

    Raises:
        RunError: It is not finished, or the report cannot be written.
    """
    document = folds.metrics()
    try:
        write_text(folds.report_path, pages.page(folds.name, _body(folds, document)))
    except OSError as error:
        raise not_writable(folds, error) from error


def folds_line(document: Mapping[str, Any]) -> str:
    """Return what was tested, in one line.

    Args:
        document: What `folds.json` holds.
    """
    pooled = document["pooled"]
    patients = f" of {pooled['patients']:,} patients" if pooled["patients"] else ""
    images = f"{pooled['n']:,} images ({composition_of(pooled)}){patients}"
    return f"{len(document['folds'])} folds: {images}, each tested once"


def folds_rows(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, value with interval over all folds, and the values of the folds, growing."""
    rows = []
    for name, metric in document["pooled"]["metrics"].items():
        values = [fold["metrics"][name]["value"] for fold in document["folds"]]
        known = sorted(value for value in values if value is not None)
        rows.append((label_of(name), estimate_text(**metric), ", ".join(map(value_text, known))))
    return rows


def _body(folds: FoldRuns, document: Mapping[str, Any]) -> Iterator[str]:
    pooled = document["pooled"]
    yield pages.paragraph("Research use only: not a medical device.", "faint")
    if any(run.manifest["data"]["phantom"] for run in folds.runs):
        yield pages.paragraph(
            "Trained on drawn images, not on real ones: the metrics say nothing about patients.",
            "warning",
        )
    yield pages.heading("What all folds are worth together")
    yield pages.paragraph(headline(pooled))
    yield pages.paragraph(f"{folds_line(document)}, by the model that was not trained on it.")
    described = [
        (*row, METRICS[name].description if name in METRICS else "")
        for name, row in zip(pooled["metrics"], folds_rows(document), strict=True)
    ]
    header = ("metric", "all folds (95 % interval)", "each fold, lowest to highest", "what it is")
    yield pages.table(header, described)
    confusion = [
        (name, *(f"{count:,}" for count in row))
        for name, row in zip(pooled["classes"], pooled["confusion"], strict=True)
    ]
    numbers = range(1, len(confusion) + 1)
    yield pages.table(("truth \\ decision", *pooled["classes"]), confusion, numbers=numbers)
    for warning in pooled["warnings"]:
        yield pages.paragraph(f"Warning: {warning}", "warning")
    yield pages.heading("Each fold")
    for run in folds.runs:
        yield pages.link(f"../{run.name}/report/index.html", run.name)
