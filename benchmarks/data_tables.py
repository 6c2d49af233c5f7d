"""The blocks of README.md and docs/audit.md that are about data; see `readme_tables.py`."""

import json
import textwrap
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def own_images() -> str:
    """Return the sentence on the time that 500 images of one's own take."""
    result = load("own-images")
    auc = result["test"]["auc"]
    return (
        f"{result['images']} images (real malaria cells, {result['cores']} cores, an empty cache)\n"
        f"took {result['seconds']:.0f} s; --dry-run had promised "
        f"{result['promised_seconds']:.0f} s after TensorFlow's import. Their test AUC was\n"
        f"{auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}], on "
        f"{result['test']['n']} images.\n"
    )


def audits() -> str:
    """Return a row for each real data set that was audited."""
    result = load("audits")
    lines = [
        "| real data | images | first audit | again | errors and warnings |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, audit in result["audits"].items():
        told = [f for f in audit["findings"] if f["severity"] != "note"]
        kinds = ", ".join(_kind(finding) for finding in told) or "none"
        first, again = audit["seconds"]
        lines.append(f"| {name} | {audit['images']:,} | {first:.0f} s | {again:.0f} s | {kinds} |")
    duplicates = result["known"]["chest X-rays, 224 px"]
    reviews = result["known"]["malaria cells"]
    size = _measurement(result["audits"]["chest X-rays, originals"], "file size")
    lines += [
        "",
        f"Of the {duplicates['known_groups']} groups of identical chest X-rays that are known it "
        f"found {duplicates['found_of_known']}, and {_others(duplicates)};",
        f"of the {reviews['known_disputed']} malaria labels that an expert disputes "
        f"{reviews['found_of_known']}. AUCs are of the class told without the",
        "picture (shortcut), and of the test part told from the training part (shift). On the",
        f"originals the size of the file alone tells the class with AUC {interval(size)}.",
    ]
    return "\n".join(lines) + "\n"


def _measurement(audit: dict[str, Any], name: str) -> dict[str, Any]:
    """Return how well one measurement alone tells the class."""
    shortcut = next(f for f in audit["findings"] if f["kind"] == "shortcut")
    return next(one for one in shortcut["figures"]["alone"] if one["name"] == name)


def _others(duplicates: dict[str, int]) -> str:
    others = duplicates["found_groups"] - duplicates["found_of_known"]
    return f"{others} others" if others else "no others"


def _kind(finding: dict[str, Any]) -> str:
    figures = finding["figures"]
    if finding["kind"] == "shortcut" and "together" in figures:
        best = figures["alone"][0]
        return (
            f"shortcut: {best['name']} {interval(best)}, together {interval(figures['together'])}"
        )
    if finding["kind"] == "shift":
        return f"shift {interval(figures)}"
    return f"{finding['kind']} ({finding['groups']:,})" if finding["groups"] else finding["kind"]


def leakage() -> str:
    """Return a row for each model, with what a random split adds to its figures."""
    result = load("leakage")
    lines = [
        f"| {result['folds']} folds, {result['images']:,} cells of {result['patients']} patients "
        "| accuracy | AUC |",
        "| --- | --- | --- |",
    ]
    names = {
        "head": "frozen EfficientNet-Lite0, exact head",
        "cnn": f"the recipe's CNN, {result['random_split_of_the_paper']['epochs']} epochs",
    }
    splits = {"random": "at random", "patient": "by patient", "gap": "the gap"}
    for model, said in names.items():
        for split, how in splits.items():
            figures = result["models"][model][split]
            lines.append(
                f"| {said}, {how} | {interval(figures['accuracy'])} | {interval(figures['auc'])} |"
            )
    paper = result["random_split_of_the_paper"]
    verdict = "passes" if paper["passes_95_percent"] else "does not pass"
    lines += [
        "",
        "Intervals by the bootstrap of patients. Split at random, as in the paper, the CNN "
        f"{verdict} the",
        f"paper's 0.95 on these cells ({paper['folds_that_pass']} of {result['folds']} folds do).",
    ]
    return "\n".join(lines) + "\n"


def planted() -> str:
    """Return a row for each kind of fault that was planted."""
    result = load("planted-faults")
    lines = ["| planted | found | of |", "| --- | ---: | ---: |"]
    for fault, (found, of) in result["together"]["found_and_planted"].items():
        lines.append(f"| {fault} | {found:,} | {of:,} |")
    sets = result["sets"]
    sizes = ", ".join(f"{name} ({one['images']:,} images)" for name, one in sets.items())
    mutated = load("mutated-files")
    lines += [
        "",
        *textwrap.wrap(
            f"Clean sets: {sizes}. False alarms on them: {result['together']['false_alarms']}.", 100
        ),
        "",
        f"{mutated['files']:,} mutated image files: {len(mutated['crashes'])} crashes, "
        f"{len(mutated['hangs'])} hangs; on {len(mutated['disagreements'])} of them the audit and "
        "the training differ in",
        "what they say.",
    ]
    return "\n".join(lines) + "\n"


def labels() -> str:
    """Return how many of the labels ranked first an expert disputes."""
    result = load("label-errors")
    first, base = result["precision_at"]["50"], result["base_rate"]
    return (
        f"Of the {first['of']} malaria labels ranked first, an expert who was not asked disputes "
        f"{first['hits']}: {interval(first)};\n"
        f"of all {base['of']:,} training and validation images {base['value']:.3f} "
        f"(`{result['command']}`).\n"
    )


def shift() -> str:
    """Return what the shift test says of three pairs of sets."""
    result = load("shift")
    pairs = {
        "adults": "adult against paediatric chest X-rays",
        "official_test_part": "official test part against training part, paediatric",
        "two_halves": "two random halves of the training part, by patient",
    }
    lines = ["| told apart | AUC | by the pictures alone |", "| --- | --- | --- |"]
    for name, said in pairs.items():
        own = result[name]
        lines.append(f"| {said} | {interval(own)} | {interval(own['pictures_alone'])} |")
    return "\n".join(lines) + "\n"


def interval(figure: dict[str, float | None]) -> str:
    value = figure["auc"] if "auc" in figure else figure["value"]
    if figure["low"] is None:
        return f"{value:.3f}"
    return f"{value:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def load(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
