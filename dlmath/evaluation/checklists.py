"""Reporting guidelines as lists of items, filled in from what a run knows and left open elsewhere.

Sources: CLAIM, Mongan, Moy, Kahn, "Checklist for Artificial Intelligence in Medical Imaging",
Radiology: Artificial Intelligence 2(2), 2020, e200029, table; TRIPOD+AI, Collins et al., BMJ 385,
2024, e078378, table 2. The items are named in short; the guidelines say what each asks for.

Nothing is invented: an item that the run's files do not answer is the author's to answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlmath.data.patient_reading import patients_known
from dlmath.evaluation.composition import composition_of
from dlmath.evaluation.metric_table import label_of
from dlmath.evaluation.threshold import place_of_choice
from dlmath.number_text import SENTENCE, estimate_text
from dlmath.recipe import Recipe

OPEN = ""


@dataclass(frozen=True)
class Item:
    """One item of a guideline.

    Attributes:
        number: As in the guideline.
        asks: What is asked for, in short.
        answer: The name of what a run can say of it, a key of `answers`; blank where it cannot.
    """

    number: str
    asks: str
    answer: str = OPEN


CLAIM = (
    Item("1", "Title or abstract names the AI methodology", "method"),
    Item("2", "Structured summary"),
    Item("3", "Background, intended use and clinical role"),
    Item("4", "Objectives and hypotheses"),
    Item("5", "Prospective or retrospective"),
    Item("6", "Goal of the study"),
    Item("7", "Data sources", "data"),
    Item("8", "Eligibility criteria"),
    Item("9", "Preprocessing", "preprocessing"),
    Item("10", "Selection of subsets", "left_out"),
    Item("11", "Definitions of data elements"),
    Item("12", "De-identification"),
    Item("13", "Missing data", "missing"),
    Item("14", "Definition of the reference standard", "classes"),
    Item("15", "Rationale for the reference standard"),
    Item("16", "Source of annotations, annotators"),
    Item("17", "Annotation tools"),
    Item("18", "Variability between and within raters"),
    Item("19", "Sample size and how it was determined", "sizes"),
    Item("20", "Assignment to partitions", "partitions"),
    Item("21", "Level at which partitions are disjoint", "disjoint"),
    Item("22", "The model in detail", "model"),
    Item("23", "Software and versions", "software"),
    Item("24", "Initialisation of parameters", "initialisation"),
    Item("25", "Training: augmentation, hyperparameters", "training"),
    Item("26", "Selection of the final model", "selection"),
    Item("27", "Ensembling", "ensemble"),
    Item("28", "Metrics", "metrics"),
    Item("29", "Measures of uncertainty", "uncertainty"),
    Item("30", "Robustness or sensitivity analysis"),
    Item("31", "Explainability"),
    Item("32", "Testing on external data"),
    Item("33", "Flow of participants", "sizes"),
    Item("34", "Demographics of each partition"),
    Item("35", "Performance on all partitions", "performance"),
    Item("36", "Diagnostic accuracy with precision", "performance"),
    Item("37", "Failure analysis", "failures"),
    Item("38", "Limitations", "warnings"),
    Item("39", "Implications for practice"),
    Item("40", "Registration"),
    Item("41", "Full protocol"),
    Item("42", "Funding"),
)
TRIPOD = (
    Item("1", "Title"),
    Item("2", "Abstract"),
    Item("3", "Background, target population, health inequalities"),
    Item("4", "Objectives"),
    Item("5", "Sources of data and dates", "data"),
    Item("6", "Participants: setting, eligibility, treatments"),
    Item("7", "Data preparation", "preprocessing"),
    Item("8", "Outcome and how it was assessed", "classes"),
    Item("9", "Predictors", "predictors"),
    Item("10", "Sample size", "sizes"),
    Item("11", "Missing data", "missing"),
    Item("12a", "How data were used for development and evaluation", "partitions"),
    Item("12b", "How predictors were handled", "preprocessing"),
    Item("12c", "Type of model, building steps, hyperparameters", "training"),
    Item("12d", "Heterogeneity between clusters"),
    Item("12e", "Measures of performance", "metrics"),
    Item("12f", "Model updating"),
    Item("12g", "How predictions were calculated", "threshold"),
    Item("13", "Class imbalance", "imbalance"),
    Item("14", "Fairness"),
    Item("15", "Output of the model and thresholds", "threshold"),
    Item("16", "Differences between development and evaluation data", "shift"),
    Item("17", "Ethical approval"),
    Item("18", "Funding, conflicts, protocol, registration, data, code", "code"),
    Item("19", "Patient and public involvement"),
    Item("20", "Flow and characteristics of participants", "sizes"),
    Item("21", "Participants and events in each analysis", "sizes"),
    Item("22", "Specification of the full model", "model"),
    Item("23", "Performance with intervals", "performance"),
    Item("24", "Results of model updating"),
    Item("25", "Interpretation, fairness"),
    Item("26", "Limitations", "warnings"),
    Item("27", "Usability in the context of care"),
)
GUIDELINES = {"CLAIM (2020)": CLAIM, "TRIPOD+AI (2024)": TRIPOD}


def answers(
    recipe: Recipe,
    manifest: Mapping[str, Any],
    metrics: Mapping[str, Any] | None,
    audit: Mapping[str, Any] | None,
) -> dict[str, str]:
    """Return what the files of a run answer; what they do not is not among the keys.

    Args:
        recipe: The run's.
        manifest: The run's.
        metrics: Its `metrics.json`, once the test part has been opened.
        audit: Its `audit.json`.
    """
    found = {**_of_data(recipe, manifest), **_of_model(recipe, manifest)}
    if metrics:
        found |= _of_results(metrics)
    if audit:
        shift = [f["message"] for f in audit["findings"] if f["kind"] == "shift"]
        found |= {"shift": " ".join(shift)} if shift else {}
    return found


def _of_data(recipe: Recipe, manifest: Mapping[str, Any]) -> dict[str, str]:
    split, data = manifest["split"], manifest["data"]
    unit = "patient" if patients_known(recipe, manifest) else "image"
    drawn = " They are drawn, not real." if data["phantom"] else ""
    counts = ", ".join(f"{split[part]:,} {part}" for part in ("train", "validation", "test"))
    classes = ", ".join(recipe.classes)
    found = {
        "data": f"{data['images']:,} images, sha256 {data['sha256'][:16]}….{drawn}",
        "preprocessing": f"Decoded and resized to {recipe.image_size} pixels a side by the "
        f"specification {manifest['preprocessing']}.",
        "left_out": f"{split['left_out']:,} images, "
        + ("whose patients" if unit == "patient" else "copies of which")
        + " are in another part on disk.",
        "missing": "Files that cannot be read "
        + ("stop the training." if recipe.on_bad_file == "error" else "are left out and counted."),
        "classes": f"As the data name them: {classes}."
        + (f" Positive is {recipe.positive_class}." if recipe.positive_class else ""),
        "sizes": f"Images: {counts}. How the number was determined is not known to the run.",
        "partitions": f"{counts} images; see split.csv. Parts on disk stay as they are; others are "
        f"cut by a hash of seed {recipe.seed} and {unit}, stratified by class.",
        "disjoint": _disjoint(recipe, manifest),
        "imbalance": f"Training images: {_listed(split['train_classes'])}. Class weights: "
        f"{recipe.class_weights}.",
    }
    if manifest.get("warnings"):
        found["warnings"] = " ".join(manifest["warnings"])
    return found


def _disjoint(recipe: Recipe, manifest: Mapping[str, Any]) -> str:
    """Return at which level the parts share nothing, and how that is known."""
    if not patients_known(recipe, manifest):
        return "Images: whose they are is not known."
    recorded = manifest.get("patients") or {}
    how = {
        "named": "as the data name them",
        "guessed": "guessed from the file names",
    }.get(recorded.get("origin", "given"), "read from the file names")
    return " ".join([f"Patients, {how}.", *recorded.get("doubts", ())])


def _of_model(recipe: Recipe, manifest: Mapping[str, Any]) -> dict[str, str]:
    how = "solved exactly" if recipe.solves_head else f"{recipe.epochs} epochs of steps"
    versions = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    weights = recipe.weights if recipe.weights in ("imagenet", "none") else "a file"
    chosen_on = place_of_choice({"images": recipe.choose_on}, "the validation part")
    found = {
        "method": f"Transfer learning with {recipe.backbone}.",
        "predictors": "The pixels of one image.",
        "model": f"{recipe.backbone} on {recipe.image_size} x {recipe.image_size} x 3 pixels, a "
        "dense layer and a softmax; model.keras holds it in full.",
        "software": versions + ".",
        "initialisation": f"Pretrained weights: {weights}; others from seed {recipe.seed}.",
        "training": f"Tuned: {recipe.tune}, {how}. Every hyperparameter is in recipe.toml.",
        "selection": "The optimum of a convex problem; its penalty by cross-validation over "
        f"training {'patients' if patients_known(recipe, manifest) else 'images'}."
        if recipe.solves_head
        else f"The epoch with the highest AUC on {chosen_on}.",
        "ensemble": "None.",
        "code": "dlmath is open source; the command is in manifest.json.",
    }
    if threshold := manifest.get("threshold"):
        place = place_of_choice(threshold, f"the {threshold['chosen_on']} part")
        found["threshold"] = (
            f"Probabilities of the classes; positive from {threshold['value']:.4f} on, chosen on "
            f"{place} by the rule {threshold.get('rule', 'given')}."
        )
    return found


def _of_results(metrics: Mapping[str, Any]) -> dict[str, str]:
    auc = metrics["metrics"]["auc"]
    found = {
        "metrics": ", ".join(map(label_of, metrics["metrics"])) + ".",
        "uncertainty": f"95 % intervals over {'patients' if metrics['patients'] else 'images'} on "
        "every metric.",
        "failures": "The most confident mistakes are in report/index.html.",
    }
    if auc["value"] is not None and auc["low"] is not None:
        found["performance"] = (
            f"AUC {estimate_text(**auc, style=SENTENCE)} on {metrics['n']:,} "
            f"{metrics['split']} images ({composition_of(metrics)}); every metric is in "
            "report/index.html."
        )
    return found


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.items())
