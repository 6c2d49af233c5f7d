"""The parts of a report beyond the metrics: other thresholds, slices, patients, openings."""

from collections.abc import Iterator, Mapping
from typing import Any

from dlmath import pages
from dlmath.evaluation.composition import counts_text
from dlmath.evaluation.headlines import worse_lines, worse_parts
from dlmath.evaluation.metric_table import label_of
from dlmath.number_text import estimate_text

_SLICED = ("sensitivity", "specificity", "accuracy", "auc")
_WORST = 10  # patients shown
MetricValue = Mapping[str, Any]  # value, low and high


def detail_sections(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Return the sections that `metrics.json` has something for, as HTML."""
    if openings := metrics.get("test_openings"):
        yield pages.paragraph(openings["said"], "warning" if openings["count"] > 1 else "faint")
    if metrics.get("operating_points") or metrics.get("threshold_choice"):
        yield pages.heading("Other thresholds")
        yield from _thresholds(metrics)
    if at := metrics.get("at_prevalence"):
        yield pages.heading(f"At a prevalence of {at['prevalence']:.1%}")
        yield _metrics_table(at["metrics"])
    if metrics.get("slices"):
        yield pages.heading("Parts of the test images")
        yield from _slices(metrics)
    if patients := metrics.get("patient_level"):
        yield pages.heading("One decision for each patient")
        yield from _patients(patients, metrics["positive_class"])


def _thresholds(metrics: Mapping[str, Any]) -> Iterator[str]:
    choice = metrics.get("threshold_choice") or {}
    if preferred := choice.get("preferred_here"):
        yield pages.paragraph(
            f"By the same rule the test images would have preferred {preferred['value']:.4f} "
            f"(sensitivity {preferred['sensitivity']:.3f}, specificity "
            f"{preferred['specificity']:.3f}). It was not used: chosen here, it would flatter."
        )
    if points := metrics.get("operating_points"):
        rows = [(label_of(name) + " %", estimate_text(**figure)) for name, figure in points.items()]
        yield pages.table(("operating point", "value (95 % interval)"), rows)


def _slices(metrics: Mapping[str, Any]) -> Iterator[str]:
    slices, positive_class = metrics["slices"], metrics["positive_class"]
    worse = {(gap.name, gap.group) for gap in worse_parts(metrics)}
    header = ("images", *map(label_of, _SLICED), "less that of the others")
    for name, own in slices.items():
        rows = [
            _slice_row(group, figures, own["gaps"].get(group, {}), positive_class)
            for group, figures in own["groups"].items()
        ]
        marked = [place for place, group in enumerate(own["groups"]) if (name, group) in worse]
        yield pages.table((name, *header), rows, marked=marked)
    for line in worse_lines(metrics):
        yield pages.paragraph(line, "error")
    if any(group["against"] for own in slices.values() for group in own["groups"].values()):
        yield pages.paragraph(
            "The AUC of a group of one class ranks its images against all of the other class; no "
            "other metric counts those.",
            "faint",
        )


def _slice_row(
    group: str,
    figures: Mapping[str, Any],
    gaps: Mapping[str, MetricValue],
    positive_class: str | None,
) -> tuple[str, ...]:
    """Return the cells of a group; what its images have no metric of stays blank."""
    measured = [figures["metrics"][metric] for metric in _SLICED]
    cells = ["" if one["value"] is None else estimate_text(**one) for one in measured]
    if figures["against"]:
        cells[-1] += f", against {counts_text(figures['against'], positive_class)}"
    gap = gaps.get(figures["rate"])
    less = f"{label_of(figures['rate'])}: {estimate_text(**gap)}" if gap else ""
    return (group, counts_text(figures["by_class"], positive_class), *cells, less)


def _patients(patients: Mapping[str, Any], positive_class: str) -> Iterator[str]:
    yield pages.paragraph(
        f"{patients['n']:,} patients ({counts_text(patients['by_class'], positive_class)}), each "
        f"decided by the {patients['rule']} of the images."
    )
    yield pages.fold("every metric", _metrics_table(patients["metrics"]))
    worst = [
        (one["patient"], f"{one['images']:,}", f"{one['wrong']:,}")
        for one in patients.get("worst", ())[:_WORST]
        if one["wrong"]
    ]
    if worst:
        yield pages.paragraph("Patients with most of their images decided wrongly, worst first:")
        yield pages.table(("patient", "images", "wrong"), worst, numbers=(1, 2))
    for warning in patients.get("warnings", ()):
        yield pages.paragraph(f"Warning: {warning}", "warning")


def _metrics_table(metrics: Mapping[str, MetricValue]) -> str:
    rows = [(label_of(name), estimate_text(**figure)) for name, figure in metrics.items()]
    return pages.table(("metric", "value (95 % interval)"), rows)
