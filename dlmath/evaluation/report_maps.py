"""Heat maps of a report: explained once, kept next to it, shown in it from then on.

`report/maps/` holds a picture of each and `maps.json`. They are of the predictions that the run had
then; once these are others, the maps are left out until they are drawn again.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlmath import pages
from dlmath._version import __version__
from dlmath.data.patient_reading import patients_known
from dlmath.data.sources import ImageRecord
from dlmath.data.stressed import region_pixels
from dlmath.errors import DataError, RunError
from dlmath.evaluation.details import Evaluated
from dlmath.evaluation.intervals import Sample
from dlmath.evaluation.report_faults import not_writable
from dlmath.explain.examples import MapPicture, explain_examples
from dlmath.inference.decision_rule import decide_binary
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run, read_json, write_bytes, write_json

EACH = 3  # rights, and as many wrongs: each is asked about a hundred times
_STRAYS = 0.5  # share of a map outside the region from which on that is a warning
_NARROW = 1e-12  # a threshold of 0 or 1 leaves no way on one side


def keep_maps(
    run: Run, classifier: KerasClassifier, evaluated: Evaluated, reporter: Reporter
) -> None:
    """Explain the most confident rights and wrongs and keep their maps for the report.

    A model that cannot be explained leaves the reason in their place. Maps that are there already,
    of the very predictions and by this version, stay: they take as long as the metrics.

    Raises:
        RunError: The folder of the report cannot be written to.
    """
    if _are_kept(run):
        return
    chosen = [
        (kind, evaluated.pixels.examples[row])
        for kind in ("right", "wrong")
        for row in most_confident(evaluated.sample, kind == "right", EACH)
    ]
    reason: str | None = None
    found: Sequence[MapPicture | None] = ()
    try:
        paths = [example.path for _, example in chosen]
        region = _region(run.recipe)
        found = explain_examples(classifier, paths, reporter, region=region)
    except DataError as error:
        reason = str(error)
    kept = [(*about, one) for about, one in zip(chosen, found, strict=False) if one is not None]
    try:
        maps = [_keep(run, number, *about) for number, about in enumerate(kept, start=1)]
        record = {**_origin(run), "reason": reason, "maps": maps}
        write_json(_folder(run) / "maps.json", record)
    except OSError as error:
        raise not_writable(run, error) from error


def _region(recipe: Recipe) -> np.ndarray | None:
    if recipe.region is None:
        return None
    return region_pixels(recipe, recipe.image_size, recipe.image_size)


def _are_kept(run: Run) -> bool:
    """Return whether the maps of these predictions are there, each with its picture."""
    try:
        kept = read_json(_folder(run) / "maps.json")
        is_same = all(kept[name] == value for name, value in _origin(run).items())
        return is_same and all((_folder(run) / one["picture"]).is_file() for one in kept["maps"])
    except (OSError, RunError, KeyError, TypeError):  # none yet, or damaged: they are drawn
        return False


def _origin(run: Run) -> dict[str, str]:
    """Return what maps depend on."""
    return {"dlmath": __version__, "predictions_sha256": _predictions(run)}


def _keep(
    run: Run, number: int, kind: str, example: ImageRecord, one: MapPicture
) -> dict[str, Any]:
    """Write the picture of one map, and return the map's entry in `maps.json`."""
    write_bytes(_folder(run) / f"{number}.png", one.picture)
    about = {"file": example.file, "kind": kind, "truth": example.label}
    return {**about, **one._asdict(), "picture": f"{number}.png"}


def maps_section(run: Run) -> Iterator[str]:
    """Return the section of the maps that are of the run's predictions as they are now, as HTML.

    Raises:
        RunError: `maps.json` or a picture is damaged.
    """
    path = _folder(run) / "maps.json"
    if not path.is_file():
        return
    kept = read_json(path)
    try:
        if kept["predictions_sha256"] != _predictions(run):
            return
        yield pages.heading("Where the evidence lies")
        if kept["reason"]:
            yield pages.paragraph(f"No heat maps: {kept['reason']}", "faint")
            return
        known = patients_known(run.recipe, run.manifest)
        one_each = ", one image a patient" if known else ""
        yield pages.paragraph(
            f"Grad-CAM of the most confident decisions{one_each}. The brighter the colour, "
            "the more a place speaks for the class that was decided. A map tells what the "
            "network used, not where a finding is; one that fails a check tells not even that. "
            "The checks ask whether a map is that of the network, not whether it lies right."
        )
        yield pages.cards(_card(run, one) for one in kept["maps"])
    except (OSError, KeyError, TypeError) as error:
        raise RunError(f"Cannot read {path}: {error}. Evaluate again.") from error


def _card(run: Run, one: Mapping[str, Any]) -> str:
    picture = (_folder(run) / one["picture"]).read_bytes()
    address = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    name = one["file"].rpartition("/")[2]  # as with the mistakes: no folder of a machine
    truth = "" if one["kind"] == "right" else f", in truth {one['truth']}"
    said = f"{one['kind']}: {one['class_name']} {one['probability']:.3f}{truth}"
    outside = one.get("outside")
    strays = outside is not None and outside > _STRAYS
    checked = "Passed all checks of the map." if not one["warnings"] else ""
    return "".join(
        [
            pages.figure(address, f"{said} · {name}"),
            *(pages.paragraph(warning, "warning") for warning in one["warnings"]),
            pages.paragraph(_place(outside), "warning" if strays else "faint"),
            pages.paragraph(checked, "faint") if checked else "",
            pages.fold("what was measured", pages.lines(one["said"])) if one["said"] else "",
        ]
    )


def _place(outside: float | None) -> str:
    if outside is None:
        return "No region is known: whether the map lies where a finding can be is not measured."
    return f"{outside:.0%} of the map lies outside the region that the label is about."


def _folder(run: Run) -> Path:
    return run.report_path.parent / "maps"


def _predictions(run: Run) -> str:
    return hashlib.sha256(run.predictions_path.read_bytes()).hexdigest()


def most_confident(sample: Sample, right: bool, count: int) -> list[int]:
    """Return the rows of up to `count` images, by confidence, the classes taking turns.

    At most one image of a patient is among them: five films of one child would show one thing.

    Args:
        sample: N images.
        right: Whether those decided rightly are wanted, or those decided wrongly.
        count: At least 1.
    """
    sure = certainty(sample)
    rows = np.flatnonzero((sample.decision == sample.truth) == right)
    rows = rows[np.argsort(-sure[rows], kind="stable")]
    _, first = np.unique(sample.clusters[rows], return_index=True)
    rows = rows[np.sort(first)]
    of_classes = [rows[sample.truth[rows] == index] for index in np.unique(sample.truth)]
    turns = [(turn, -sure[row], row) for of in of_classes for turn, row in enumerate(of[:count])]
    return [int(row) for _, _, row in sorted(turns)[:count]]


def certainty(sample: Sample) -> np.ndarray:
    """Return how sure each decision is, (N,) in 0..1, to rank images by.

    Of two classes it is the share of the way from the threshold to certainty, so that both
    decisions can be compared whatever the threshold; of more, the largest probability. Abstention
    goes by another measure, `DecisionRule.confidence`, in log-odds.
    """
    index, threshold = sample.rule.positive_index, sample.rule.threshold
    if index is None or threshold is None:
        return sample.probabilities.max(axis=1)
    probability, least = sample.probabilities[:, index], threshold.value
    is_positive = decide_binary(probability, least)
    way = np.where(is_positive, max(1 - least, _NARROW), max(least, _NARROW))
    return np.abs(probability - least) / way
