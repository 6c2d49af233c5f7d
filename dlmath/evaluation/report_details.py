"""The parts of a report beyond the metrics: other thresholds, slices, patients, openings."""

from collections.abc import Iterator, Mapping
from typing import Any

from dlmath import pages

_SLICED = ("accuracy", "sensitivity", "specificity", "auc")
_WORST = 10  # patients shown
Figure = Mapping[str, float | None]


def estimate_text(figure: Figure) -> str:
    """Return a figure with its interval in one text."""
    if figure["value"] is None:
        return "undefined"
    if figure["low"] is None or figure["high"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


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
        for name, own in metrics["slices"].items():
            yield _slice(name, own)
    if patients := metrics.get("patient_level"):
        yield pages.heading("One decision for each patient")
        yield from _patients(patients)


def _thresholds(metrics: Mapping[str, Any]) -> Iterator[str]:
    choice = metrics.get("threshold_choice") or {}
    if preferred := choice.get("preferred_here"):
        yield pages.paragraph(
            f"By the same rule the test images would have preferred {preferred['value']:.4f} "
            f"(sensitivity {preferred['sensitivity']:.3f}, specificity "
            f"{preferred['specificity']:.3f}). It was not used: chosen here, it would flatter."
        )
    if points := metrics.get("operating_points"):
        rows = [(_plain(name) + " %", estimate_text(figure)) for name, figure in points.items()]
        yield pages.table(("operating point", "value (95 % interval)"), rows)


def _slice(name: str, own: Mapping[str, Any]) -> str:
    rows = []
    for group, figures in own["groups"].items():
        gap = own.get("gaps", {}).get(group, {}).get("accuracy")
        rows.append(
            (
                group,
                f"{figures['n']:,}",
                *(estimate_text(figures["metrics"][metric]) for metric in _SLICED),
                estimate_text(gap) if gap else "",
            )
        )
    header = (name, "images", *map(_plain, _SLICED), "accuracy less that of the others")
    return pages.table(header, rows, numbers=(1,))


def _patients(patients: Mapping[str, Any]) -> Iterator[str]:
    yield pages.paragraph(
        f"{patients['n']:,} patients, each decided by the {patients['rule']} of the images."
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


def _metrics_table(metrics: Mapping[str, Figure]) -> str:
    rows = [(_plain(name), estimate_text(figure)) for name, figure in metrics.items()]
    return pages.table(("metric", "value (95 % interval)"), rows)


def _plain(name: str) -> str:
    return name.replace("_", " ")
