"""`MODEL_CARD.md` of a run: for those who get the model without its maker.

The front matter is the `model-index` of the Hugging Face Hub (its model card specification,
`hf.co/docs/hub/model-cards`), written as JSON, which is YAML.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dlmath.evaluation.checklists import GUIDELINES, answers
from dlmath.evaluation.composition import composition_of
from dlmath.evaluation.headlines import headline
from dlmath.evaluation.metric_table import METRICS, label_of
from dlmath.number_text import estimate_cells
from dlmath.recipe import Recipe
from dlmath.runs import Run, read_json, write_text


def write_model_card(run: Run) -> Path:
    """Write the card of a finished run and return its path.

    Raises:
        RunError: A file of the run is missing or damaged.
    """
    recipe, manifest = run.recipe, run.manifest
    metrics = read_json(run.metrics_path) if run.metrics_path.is_file() else None
    audit = read_json(run.audit_path) if run.audit_path.is_file() else None
    parts = [
        _front_matter(run, recipe, manifest, metrics),
        f"# {recipe.name}\n",
        "**Research use only: this is not a medical device.**\n",
        *(f"> {warning}\n" for warning in manifest.get("warnings", ())),
        _results(metrics),
        "## Reporting guidelines\n",
        "Filled in from the files of the run; what is open is for the author to answer.\n",
        *_guidelines(answers(recipe, manifest, metrics, audit)),
    ]
    write_text(run.model_card_path, "\n".join(parts))
    return run.model_card_path


def _front_matter(
    run: Run, recipe: Recipe, manifest: Mapping[str, Any], metrics: Mapping[str, Any] | None
) -> str:
    card: dict[str, Any] = {
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["dlmath", "medical", *(["phantom"] if manifest["data"]["phantom"] else [])],
    }
    if metrics:
        dataset = {"name": recipe.name, "type": recipe.name, "split": metrics["split"]}
        result = {
            "task": {"type": "image-classification"},
            "dataset": dataset,
            "metrics": [
                {"type": _hub_name(name), "value": figure["value"], "name": label_of(name)}
                for name, figure in metrics["metrics"].items()
                if figure["value"] is not None
            ],
        }
        card["model-index"] = [{"name": run.name, "results": [result]}]
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in card.items()]
    return "---\n" + "\n".join(lines) + "\n---\n"


def _hub_name(name: str) -> str:
    """Return the hub's name of a metric; one that it has no name for keeps ours."""
    metric = METRICS.get(name)  # a file of another version may hold others
    return (metric and metric.hub_name) or name


def _results(metrics: Mapping[str, Any] | None) -> str:
    if metrics is None:
        return "The test part has not been opened.\n"
    images = f"{metrics['n']:,} {metrics['split']} images ({composition_of(metrics)})"
    lines = [f"{headline(metrics)}\n", f"On {images}:\n", "| metric | value | 95 % interval |"]
    lines.append("| --- | --- | --- |")
    for name, figure in metrics["metrics"].items():
        lines.append(f"| {' | '.join((label_of(name), *estimate_cells(**figure)))} |")
    return "\n".join(lines) + "\n"


def _guidelines(known: Mapping[str, str]) -> Iterator[str]:
    for name, items in GUIDELINES.items():
        filled = [item for item in items if item.answer in known]
        lines = [f"### {name}: {len(filled)} of {len(items)} items\n", "| item | asks | answer |"]
        lines.append("| --- | --- | --- |")
        for item in items:
            said = known.get(item.answer, "*open*").replace("|", "\\|").replace("\n", " ")
            lines.append(f"| {item.number} | {item.asks} | {said} |")
        yield "\n".join(lines) + "\n"
