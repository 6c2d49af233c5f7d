"""`dlmath runs show`: a run in a few lines."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from dlmath.cli.output import ERR, OUT
from dlmath.data.listing import counted
from dlmath.data.splits import PARTS
from dlmath.evaluation.headlines import headline
from dlmath.evaluation.metric_table import VALIDATION_NAMES, label_of
from dlmath.evaluation.threshold import place_of_choice
from dlmath.recipe import Recipe
from dlmath.runs import Run, read_json
from dlmath.terminal_text import command


def show_run(run: Run) -> None:
    """Print what a run is, what it is worth, and what comes next."""
    manifest = run.manifest
    for line in (*_made(run, manifest), *_data(manifest), *_worth(run, manifest)):
        OUT.line(line)
    for warning in manifest.get("warnings", ()):
        OUT.warning(warning)
    OUT.line(f"Folder: {run.folder}")
    ERR.next_step(_next(run), report=run.report_path if run.report_path.is_file() else None)


def _made(run: Run, manifest: Mapping[str, Any]) -> Iterator[str]:
    recipe = run.recipe
    took = f", took {manifest['seconds']:,.0f} s" if "seconds" in manifest else ""
    ended = f" {_minute(manifest['finished'])} UTC" if "finished" in manifest else ""
    yield f"{run.name}: {manifest['task']}, {manifest.get('state', 'of no state')}{ended}{took}"
    if manifest.get("command"):
        yield f"Command: {manifest['command']}"
    yield (
        f"Network: {recipe.backbone} at {recipe.image_size} pixels, tune={recipe.tune}, "
        f"weights {recipe.weights}, seed {recipe.seed}"
    )
    yield f"Classes: {', '.join(_class_texts(recipe))}"


def _class_texts(recipe: Recipe) -> Iterator[str]:
    for name in recipe.classes:
        yield f"{name} (positive)" if name == recipe.positive_class else name


def _data(manifest: Mapping[str, Any]) -> Iterator[str]:
    data, split = manifest["data"], manifest["split"]
    names = ", ".join(PurePosixPath(source).name or source for source in data["sources"])
    drawn = " (drawn, not real)" if data["phantom"] else ""
    parts = [f"{part} {split[part]:,}" for part in (*PARTS, "left_out") if split.get(part)]
    images = counted(data["images"], "image")
    yield f"Data: {names}{drawn}, {images}: {', '.join(parts).replace('_', ' ')}"


def _worth(run: Run, manifest: Mapping[str, Any]) -> Iterator[str]:
    best = manifest.get("best") or {}
    measured = [f"{label_of(name)} {best[name]:.3f}" for name in VALIDATION_NAMES if name in best]
    if measured:
        said = ", ".join(measured)
        yield f"{said[:1].upper()}{said[1:]}"
    if threshold := manifest.get("threshold"):
        place = place_of_choice(threshold, threshold["chosen_on"])
        yield f"Threshold: {threshold['value']:.4f}, chosen on {place}"
    if run.metrics_path.is_file():
        yield f"Test: {headline(read_json(run.metrics_path))}"
    elif run.is_finished:
        yield "Test: the test part has not been opened."


def _next(run: Run) -> str:
    if not run.is_finished:
        return command("dlmath", "train", "--resume", run.folder)
    if not run.metrics_path.is_file():
        return command("dlmath", "evaluate", run.folder)
    return f"{command('dlmath', 'predict', run.folder)} IMAGE"


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
