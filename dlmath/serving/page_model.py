"""What the page says of the model: what it was trained and tested on, and what it is worth."""

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

from dlmath import pages
from dlmath.data.listing import counted
from dlmath.evaluation.composition import composition_of
from dlmath.evaluation.metric_table import METRICS, label_of
from dlmath.evaluation.threshold import place_of_choice
from dlmath.inference.runtimes import export_metadata
from dlmath.number_text import estimate_cells
from dlmath.runs import Run, read_json
from dlmath.serving.service import Service
from dlmath.terminal_text import quoted

RESEARCH_ONLY = (
    "For research only. This is not a medical device: no decision about a patient may rest on it."
)
DRAWN = (
    "This model was trained on drawn images (phantoms), not on real ones: its answers and metrics "
    "say nothing about patients."
)
_SHOWN = ("auc", "sensitivity", "specificity", "accuracy", "ppv", "npv")


def stamp(service: Service) -> str:
    """Return the notices that stand above everything else."""
    notices = [RESEARCH_ONLY]
    if _is_of_phantoms(service.model):
        notices.append(DRAWN)
    return "".join(f"<p>{escape(one)}</p>" for one in notices)


def _is_of_phantoms(model: Run | Path) -> bool:
    if isinstance(model, Run):
        return bool(model.manifest["data"]["phantom"])
    return bool(export_metadata(model).get("phantom"))


def model_section(service: Service) -> str:
    """Return what is known of the model, as HTML."""
    model = service.model
    parts = _of_run(model, service) if isinstance(model, Run) else _of_export(model, service)
    return f"<h2>What this model is worth</h2>{''.join(parts)}"


def _of_run(run: Run, service: Service) -> Iterator[str]:
    manifest = run.manifest
    yield pages.paragraph(_trained(run, manifest))
    if run.metrics_path.is_file():
        yield from _tested(read_json(run.metrics_path))
    else:
        yield pages.paragraph(
            "It has not been tested: its test part was never opened "
            f"(dlmath evaluate {quoted(run.name)})."
        )
    yield pages.paragraph(_decides(service))
    for warning in manifest.get("warnings", ()):
        yield pages.paragraph(f"Warning: {warning}", "warning")


def _trained(run: Run, manifest: Mapping[str, Any]) -> str:
    # Only names: the paths of this machine are nobody else's business.
    names = ", ".join(PurePosixPath(one).name or one for one in manifest["data"]["sources"])
    recipe, split = run.recipe, manifest["split"]
    return (
        f"Run {run.name}: {recipe.backbone} at {recipe.image_size} pixels a side, trained on "
        f"{counted(split['train'], 'image')} from {names}.{_chosen(manifest)}"
    )


def _chosen(manifest: Mapping[str, Any]) -> str:
    """Say what the other images decided, as far as the run has it."""
    images = counted(manifest["split"]["validation"], "other image")
    threshold, calibration = manifest.get("threshold"), manifest.get("calibration")
    said = []
    if calibration and calibration["method"] != "none":
        said.append(f"The calibration was fitted on {images}.")
    if threshold:
        place = place_of_choice(threshold, "them" if said else images)
        said.append(f"The threshold was chosen on {place}.")
    return "".join(f" {one}" for one in said)


def _tested(metrics: Mapping[str, Any]) -> Iterator[str]:
    patients = f" of {counted(metrics['patients'], 'patient')}" if metrics["patients"] else ""
    positive = f" Positive is {metrics['positive_class']}." if metrics["positive_class"] else ""
    yield pages.paragraph(
        f"It was tested on {counted(metrics['n'], 'image')} ({composition_of(metrics)}){patients} "
        f"of the {metrics['split']} part.{positive} Each metric stands with its 95 % interval."
    )
    figures = metrics["metrics"]
    rows = [
        (label_of(name), *estimate_cells(**figures[name]), METRICS[name].description)
        for name in _SHOWN
        if name in figures
    ]
    header = ("metric", "value", "95 % interval", "what it is")
    yield pages.table(header, rows, numbers=(1, 2), notes=True)
    for warning in metrics["warnings"]:
        yield pages.paragraph(f"Warning: {warning}", "warning")


def _decides(service: Service) -> str:
    """Say when the model decides positive, and when it says that a person should look."""
    classifier, said = service.classifier, ""
    if classifier.threshold is not None:
        place = place_of_choice(_threshold(service), f"the {classifier.threshold.chosen_on} part")
        said = (
            f"It decides {classifier.positive_class} from a probability of "
            f"{classifier.threshold.value:.3f}, chosen on {place}. "
        )
    rules = []
    if classifier.abstention.confidence is not None:
        rules.append("it is unsure")
    if classifier.abstention.ood_score is not None:
        rules.append("the image is unlike the training images")
    if not rules:
        return said + "It has no rule for abstaining, and answers whatever it is shown."
    return f"{said}It says that a person should look where {' or '.join(rules)}."


def _threshold(service: Service) -> Mapping[str, Any]:
    """Return the record of how the threshold was chosen."""
    model = service.model
    record = model.manifest if isinstance(model, Run) else export_metadata(model)
    return record.get("threshold") or {}


def _of_export(export: Path, service: Service) -> Iterator[str]:
    metadata = export_metadata(export)
    yield pages.paragraph(
        f"An export ({metadata['format']}) of the run {metadata['run']}. It does not carry the "
        "metrics of its test: they are in the run's report."
    )
    yield pages.paragraph(_decides(service))
