"""Checks of decisions: classes, threshold, recorded metrics, and openings of the test part."""

import json
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from dlmath.data.listing import counted
from dlmath.doctor.examined_run import ExaminedRun
from dlmath.doctor.verdict import Verdict, fault, not_applicable, ok, warning
from dlmath.evaluation.metric_table import label_of
from dlmath.evaluation.predictions import Predictions
from dlmath.evaluation.test_access_log import read_access_log
from dlmath.evaluation.threshold import place_of_choice
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.number_text import estimate_text
from dlmath.runs import read_json
from dlmath.stats.auc_interval import AucInterval, auc_with_interval
from dlmath.stats.proportions import share_of_images
from dlmath.terminal_text import quoted

FIGURES_AGREE = 1e-6
# Of validation images: below it no classifier is worth its threshold.
CHANCE = 0.5
SHORTCUTS = ("shortcut", "border-shortcut")  # kinds of an audit's findings


def class_order(examined: ExaminedRun) -> Verdict:
    """Compare the order of the classes with the manifest and with the model's outputs."""
    recipe = examined.recipe
    recorded = examined.manifest.get("classes")
    if recorded is not None and list(recipe.classes) != recorded:
        return fault(
            f"The recipe names the classes {', '.join(recipe.classes)}, and the run was trained "
            f"with {', '.join(recorded)}.",
            f"Put them back in that order in {examined.run.recipe_path.name}.",
        )
    if not recipe.is_binary:
        return ok(f"In the order of the training: {', '.join(recipe.classes)}")
    auc = _auc(examined)
    if auc is None:
        return not_applicable("The validation images that can be read are of one class.")
    images = counted(len(examined.validation.labels), "validation image")
    said = f"AUC {estimate_text(auc.value, auc.low, auc.high)} on {images}"
    if auc.high < CHANCE:
        return fault(
            f"{said}: the model prefers the wrong class.",
            "The classes stand in another order than in training. "
            f"Compare `classes` in {examined.run.recipe_path.name} with the classes of the data.",
        )
    if auc.value < CHANCE:
        return warning(
            f"{said}: no better than chance, but too few images to tell the order of the classes.",
            "Train with more validation images: more data, or --set validation_fraction=0.3",
        )
    return ok(f"In the order of the training; {said}")


def _auc(examined: ExaminedRun) -> AucInterval | None:
    positive = examined.recipe.classes.index(examined.recipe.positive_class)
    truth = examined.validation.labels == positive
    scores = examined.probabilities[:, positive]
    if truth.all() or not truth.any() or not np.isfinite(scores).all():
        return None
    patients = [one.patient or one.file for one in examined.validation.examples]
    return auc_with_interval(truth, scores, np.array(patients))


def one_class_only(examined: ExaminedRun) -> Verdict:
    """Check that the model does not decide one class for all images."""
    probabilities = examined.probabilities
    if not np.isfinite(probabilities).all():
        return fault("The model gives NaN.", "Train again with a tenth of the learning rate.")
    decided, counts = np.unique(_decided(examined), return_counts=True)
    images = counted(len(probabilities), "validation image")
    if len(decided) == 1:
        return _one_decided(examined, int(decided[0]), images)
    shares = ", ".join(
        f"{examined.recipe.classes[int(index)]} {count}"
        for index, count in zip(decided, counts, strict=True)
    )
    return ok(f"Of {images}: {shares}")


def _one_decided(examined: ExaminedRun, index: int, images: str) -> Verdict:
    """Return the verdict on images that are all called one class.

    Of the images of the other classes none is called right. Where they are so few that half of them
    might be, that is chance and not yet a fault.
    """
    part, name = examined.validation, examined.recipe.classes[index]
    _, patients = np.unique([one.patient or one.file for one in part.examples], return_inverse=True)
    others = part.labels != index
    right = share_of_images(np.zeros(len(others), bool), others, patients)
    if right is None:
        return not_applicable(f"The validation images that can be read are all of class {name}.")
    spread = float(np.ptp(examined.probabilities, axis=0).max())
    found = (
        f"All of {images}, {int(others.sum())} of them of another class, are called {name}; their "
        f"probabilities differ by {spread:.2g} at most."
    )
    if right.high >= CHANCE:
        return warning(
            f"{found} So few may be chance.",
            "Train with more validation images: more data, or --set validation_fraction=0.3",
        )
    return fault(
        found,
        "The model predicts the majority. Train longer, with --set class_weights=balanced or "
        "a lower learning rate.",
    )


def _decided(examined: ExaminedRun) -> np.ndarray:
    recipe, stored = examined.recipe, examined.manifest.get("threshold") or {}
    value = stored.get("value") if recipe.is_binary else None
    limit = None if value is None else Threshold(value, str(stored.get("chosen_on")))
    positive = recipe.positive_class if recipe.is_binary else None
    rule = DecisionRule(recipe.classes, recipe.image_size, positive, limit)
    return rule.decide(examined.probabilities)


def threshold(examined: ExaminedRun) -> Verdict:
    """Check that the threshold was chosen on the validation part."""
    if not examined.recipe.is_binary:
        return not_applicable("The most probable of several classes is decided.")
    stored: dict[str, Any] | None = examined.manifest.get("threshold")
    if not stored:
        return warning(
            "The run has no threshold, since its training did not come to the end.",
            f"Go on with: dlmath train --resume {quoted(examined.run.folder)}",
        )
    said = f"{stored['value']:.4f}, chosen on {place_of_choice(stored, stored['chosen_on'])}"
    if stored["chosen_on"] != "validation":
        return fault(
            f"{said}.",
            "What was chosen on the images that it is measured by flatters itself. Train again, or "
            "name it so in every report.",
        )
    if not 0 <= stored["value"] <= 1:
        return fault(f"{said}: no probability.", "Train again.")
    return ok(said)


def test_openings(examined: ExaminedRun) -> Verdict:
    """Report how often the test part was opened, and what may have been chosen by it."""
    log = read_access_log(examined.run)
    if log is None:
        return ok("The test part was not opened.")
    if log.warnings:
        return warning(
            " ".join(log.warnings), "Report the metrics of the first, or take new test images."
        )
    return ok(str(log))


def recorded_metrics(examined: ExaminedRun) -> Verdict:
    """Compute accuracy and AUC from the kept predictions, by other code than dlmath's."""
    run = examined.run
    if not (run.predictions_path.is_file() and run.metrics_path.is_file()):
        return not_applicable(f"Not evaluated yet: dlmath evaluate {quoted(run.folder)}")
    found = Predictions.read(run)
    if not np.allclose(found.probabilities.sum(axis=1), 1, atol=1e-3):
        return fault("predictions.csv holds no probabilities.", "Evaluate again.")
    recorded = read_json(run.metrics_path)["metrics"]
    wrong = []
    for name, value in _again(examined, found.truth, found.probabilities).items():
        was = (recorded.get(name) or {}).get("value")
        if was is None or not abs(was - value) <= FIGURES_AGREE:  # NaN too
            wrong.append(f"{label_of(name)} {was} recorded, {value:.6f} found")
    if wrong:
        return fault(
            f"metrics.json is not of predictions.csv: {'; '.join(wrong)}.",
            f"Evaluate again: dlmath evaluate {quoted(run.folder)}",
        )
    return ok(f"accuracy and AUC follow from {counted(len(found.files), 'kept prediction')}")


def _again(examined: ExaminedRun, truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    if not examined.recipe.is_binary:
        return {"accuracy": float((probabilities.argmax(axis=1) == truth).mean())}
    positive = examined.recipe.classes.index(examined.recipe.positive_class)
    limit = float(examined.manifest["threshold"]["value"])
    is_positive, scores = truth == positive, probabilities[:, positive]
    metrics = {"accuracy": float(((scores >= limit) == is_positive).mean())}
    if is_positive.any() and not is_positive.all():
        metrics["auc"] = float(roc_auc_score(is_positive, scores))
    return metrics


def shortcut(examined: ExaminedRun) -> Verdict:
    """Report how well the audit could tell the class from the files, and from the border."""
    try:
        document = json.loads(examined.run.audit_path.read_text(encoding="utf-8"))
        found = [one for one in document["findings"] if one["kind"] in SHORTCUTS]
    except (OSError, ValueError, KeyError, TypeError):
        return not_applicable("The run holds no audit of its images.")
    if not found:
        return not_applicable("The audit did not look for shortcuts.")
    warned = [one for one in found if one["severity"] == "warning"]
    message = " ".join(one["message"] for one in warned or found)
    if warned:
        return warning(message, " ".join(one["advice"] for one in warned))
    return ok(message)
