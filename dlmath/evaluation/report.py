"""`report/index.html` of a run: what it was made of and what it is worth, from its files only.

A report is written after the training, when the test part has not been opened, and again after
`dlmath evaluate` has.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from dlmath import pages
from dlmath.data.splits import PARTS
from dlmath.evaluation.composition import composition_of
from dlmath.evaluation.headlines import headline
from dlmath.evaluation.metric_table import METRICS, label_of
from dlmath.evaluation.model_card import write_model_card
from dlmath.evaluation.predictions import Predictions
from dlmath.evaluation.report_charts import chart_section, mistakes_section
from dlmath.evaluation.report_details import detail_sections
from dlmath.evaluation.report_faults import not_writable
from dlmath.evaluation.report_maps import maps_section
from dlmath.evaluation.report_reliance import reliance_sections
from dlmath.number_text import estimate_cells
from dlmath.recipe import Recipe
from dlmath.runs import Run, read_json, write_text
from dlmath.terminal_text import quoted

_VALIDATION = {
    "val_auc": "AUC",
    "stress_auc": "AUC on composites, each with the border of another class",
    "corrupted_auc": "AUC on corrupted images, each darker, brighter, coarser or a poor JPEG",
    "val_loss": "log loss",
    "val_accuracy": "accuracy at the most probable class",
    "epoch": "best epoch",
}


def write_report(run: Run) -> Path:
    """Write the report of a finished run, and its model card, and return the report's path.

    Raises:
        RunError: A file of the run is missing or damaged, or the report cannot be written.
    """
    recipe, manifest = run.recipe, run.manifest
    audit = read_json(run.audit_path) if run.audit_path.is_file() else None
    metrics = read_json(run.metrics_path) if run.metrics_path.is_file() else None
    body = [
        pages.paragraph("Research use only: not a medical device.", "faint"),
        *_origin(manifest),
        pages.heading("What it is worth"),
        *(_test(metrics) if metrics else _unopened(run)),
        *(_pictures(run, metrics) if metrics else ()),
        *(maps_section(run) if metrics else ()),
        *(detail_sections(metrics) if metrics else ()),
        *(reliance_sections(metrics) if metrics else ()),
        pages.heading("On the validation part"),
        *_validation(manifest),
        pages.heading("The data"),
        *_data(manifest),
        *(_audit(audit) if audit else ()),
        pages.heading("The model"),
        _model(recipe, manifest),
    ]
    try:
        write_text(run.report_path, pages.page(f"{recipe.name}: {run.name}", body))
        write_model_card(run)
    except OSError as error:
        raise not_writable(run, error) from error
    return run.report_path


def _origin(manifest: Mapping[str, Any]) -> Iterator[str]:
    if manifest["data"]["phantom"]:
        yield pages.paragraph(
            "Trained on drawn images, not on real ones: the metrics say nothing about patients.",
            "warning",
        )
    for warning in manifest.get("warnings", ()):
        yield pages.paragraph(f"Warning: {warning}", "warning")


def _unopened(run: Run) -> Iterator[str]:
    yield pages.paragraph(
        "The test part has not been opened. Do it once, when everything is decided: "
        f"dlmath evaluate {quoted(run.name)}"
    )


def _test(metrics: Mapping[str, Any]) -> Iterator[str]:
    patients = f" of {metrics['patients']:,} patients" if metrics["patients"] else ""
    positive = f"; positive is {metrics['positive_class']}" if metrics["positive_class"] else ""
    yield pages.paragraph(headline(metrics))
    yield pages.paragraph(
        f"{metrics['n']:,} test images ({composition_of(metrics)}){patients}{positive}."
    )
    rows = [
        (label_of(name), *estimate_cells(**metric), _description(name))
        for name, metric in metrics["metrics"].items()
    ]
    header = ("metric", "value", "95 % interval", "what it is")
    yield pages.table(header, rows, numbers=(1, 2), notes=True)
    classes = metrics["classes"]
    counts = [
        (name, *(f"{count:,}" for count in row))
        for name, row in zip(classes, metrics["confusion"], strict=True)
    ]
    places = range(1, len(classes) + 1)
    yield pages.table(("truth \\ decision", *classes), counts, numbers=places)
    for warning in metrics["warnings"]:
        yield pages.paragraph(f"Warning: {warning}", "warning")


def _description(name: str) -> str:
    """Return what a metric is; blank for one that a file of another version holds."""
    return METRICS[name].description if name in METRICS else ""


def _pictures(run: Run, metrics: Mapping[str, Any]) -> Iterator[str]:
    threshold = metrics["threshold"]
    if threshold is None:
        return
    found = Predictions.read(run)
    if found.positive.any() and not found.positive.all():
        yield chart_section(found, threshold["value"], run.recipe.seed)
    yield pages.heading("The most confident mistakes")
    yield from mistakes_section(run, found, threshold["value"])


def _validation(manifest: Mapping[str, Any]) -> Iterator[str]:
    best = manifest.get("best") or {}
    rows = [
        (said, f"{best[name]:g}" if name == "epoch" else f"{best[name]:.4f}")
        for name, said in _VALIDATION.items()
        if name in best
    ]
    yield pages.table(("metric", "value"), rows, numbers=(1,))
    if threshold := manifest.get("threshold"):
        yield pages.paragraph(
            f"The threshold, {threshold['value']:.4f}, was chosen {_place(threshold)}, by the rule "
            f"{threshold.get('rule', 'of the recipe')}."
        )


def _place(threshold: Mapping[str, Any]) -> str:
    return "on these composites" if threshold.get("images") == "stressed" else "here"


def _data(manifest: Mapping[str, Any]) -> Iterator[str]:
    data, split = manifest["data"], manifest["split"]
    # Names only: a report is handed on, and the paths of a machine are private.
    names = ", ".join(PurePosixPath(source).name or source for source in data["sources"])
    yield pages.paragraph(f"{data['images']:,} images from {names}.")
    named = {**{part: part for part in PARTS}, "left_out": "left out"}
    rows = [(said, f"{split[part]:,}") for part, said in named.items() if split[part]]
    yield pages.table(("part", "images"), rows, numbers=(1,))


def _audit(audit: Mapping[str, Any]) -> Iterator[str]:
    yield pages.heading("What the audit found")
    rows = [(f["severity"], f["kind"], f["message"]) for f in audit["findings"]]
    yield pages.table(("severity", "kind", "what was found"), rows)
    yield pages.link("audit.html", "The same with pictures")


def _model(recipe: Recipe, manifest: Mapping[str, Any]) -> str:
    rows = [
        ("network", f"{recipe.backbone}, {recipe.layers} layers, weights {_name(recipe.weights)}"),
        ("image size", f"{recipe.image_size} pixels"),
        ("trained", f"{recipe.tune}{', solved exactly' if recipe.solves_head else ', by steps'}"),
        ("seed", str(recipe.seed)),
        ("took", f"{manifest['seconds']:,} s" if "seconds" in manifest else "not finished"),
        ("versions", ", ".join(f"{name} {v}" for name, v in manifest["versions"].items())),
    ]
    return pages.table(("", ""), rows)


def _name(weights: str) -> str:
    return weights if weights in ("imagenet", "none") else Path(weights).name
