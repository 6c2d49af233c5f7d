"""Blocks of what the tasks' recipes reach on real images; see `benchmarks/tables.py`."""

from collections.abc import Sequence
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.studies.over_seeds import METRICS as MAIN_METRICS
from benchmarks.studies.over_seeds import mean_over_seeds
from benchmarks.tables import block, interval, load, table
from dlmath.evaluation.paired import delong_test, mcnemar_test
from dlmath.stats.bootstrap import cluster_indices

PNEUMONIA_TEST = "308 of the 624 official test images"
SINGLE_RUNS = {
    "pneumonia-head": PNEUMONIA_TEST,
    "pneumonia-all": PNEUMONIA_TEST,
    "malaria-head": "820 cells of unseen patients; a frozen network for photographs",
    "malaria-scratch": "820 cells of unseen patients; layers with hand-derived gradients",
}
NETWORKS = {  # from random weights, with layers from scratch, all else alike
    "malaria-scratch": "three convolutions, four dense layers (`malaria_cnn`)",
    "malaria-attention_cnn-0": "three convolutions, a head of attention (`malaria_attention_cnn`)",
    "malaria-vit-0": "a Vision Transformer of four blocks (`malaria_vit`)",
}
BORDER_RUNS = {
    "pneumonia-head": "the head, no augmentation",
    "pneumonia-border": "the tail, borders swapped, plain validation",
    "pneumonia-stressed": "the tail, borders swapped, stressed validation",
    "pneumonia-0": "the tail, six cached views, borders swapped, stressed validation",
}
ABLATIONS = {  # seed 0 without one of its parts, as far as they have been run
    "pneumonia-no-mixup": "no Mixup",
    "pneumonia-plain": "chosen on plain validation images",
    "pneumonia-two-views": "two cached views, not six",
}
STRESSED = {  # of the test films, in `region_reliance` of `dlmath evaluate --region`
    "as_they_are": "test films as they are",
    "borders_swapped": "the region in the border of a film of the other class",
    "border_masked": "the border masked",
    "region_masked": "the region masked: lungs and heart cannot be seen",
}
SEEDS = {  # those of docs/protocol.md that have been run
    "pneumonia": [f"pneumonia-{seed}" for seed in range(5)],
    "pneumonia, earlier": [f"pneumonia-{seed}-earlier" for seed in range(3)],
    "malaria": [f"malaria-folds-{seed}" for seed in range(3)],
    "malaria, earlier": ["malaria-folds-0-earlier"],
}
METRIC_NAMES = {
    "auc": "AUC",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ece": "ECE",
}


@block
def results() -> str:
    """Return a row for each experiment that has been run, those of the default recipes first."""
    rows = [
        _over_seeds(SEEDS["pneumonia"], PNEUMONIA_TEST),
        _over_seeds(
            SEEDS["malaria"], "all 5,416 cells, each by a model that saw none of its patient"
        ),
    ]
    for name, images in SINGLE_RUNS.items():
        result = load(name)
        metrics = result["evaluation"]["metrics"]
        figures = (interval(metrics[metric]) for metric in MAIN_METRICS)
        rows.append([f"`{result['command']}`", images, *figures])
    papers = [f"malaria-{seed}" for seed in range(3)]
    cells = "/".join(str(load(name)["evaluation"]["n"]) for name in papers)
    rows.append(_over_seeds(papers, f"{cells} cells of unseen patients, out of 5,416"))
    heads = ["command", "tested on", "AUC", "accuracy", "sensitivity", "specificity"]
    return table(heads, rows)


def _over_seeds(names: Sequence[str], tested: str) -> list[str]:
    """Return a row of means: each seed splits the patients differently, hence a range."""
    runs = [load(name) for name in names]
    seeds = "|".join(str(seed) for seed in range(len(runs)))
    command = runs[0]["command"].replace("--seed 0", f"--seed {seeds}")
    of_seeds = "; mean (range)" if len(runs) > 1 else ""
    row = [f"`{command}`", tested + of_seeds]
    for metric in MAIN_METRICS:
        metrics = [run["evaluation"]["metrics"][metric] for run in runs]
        several = len(runs) > 1
        row.append(
            _mean_and_range([one["value"] for one in metrics]) if several else interval(metrics[0])
        )
    return row


@block
def seeds() -> str:
    """Return the metrics of the recipes over their seeds: mean, range, interval by patient."""
    rows = []
    for task, names in SEEDS.items():
        runs = [load(name) for name in names]
        found = mean_over_seeds(runs)
        stressed = [run["best"].get("stress_auc") for run in runs]
        for metric in (*MAIN_METRICS, "ece"):
            values = [run["evaluation"]["metrics"][metric]["value"] for run in runs]
            cell = str(found[metric]) if metric in found else "-"
            rows.append([task, METRIC_NAMES[metric], _mean_and_range(values), cell])
        if "expert" in runs[0]["predictions"]:
            values = [_accuracy_against_expert(run["predictions"]) for run in runs]
            rows.append([task, "accuracy against the expert", _mean_and_range(values), "-"])
        if None not in stressed:
            rows.append([task, "AUC on composites (validation)", _mean_and_range(stressed), "-"])
    heads = ["task", "metric", "mean of the seeds (range)", "interval by patient, seeds pooled"]
    return table(heads, rows)


def _accuracy_against_expert(predictions: dict[str, list[int]]) -> float:
    agrees = np.equal(predictions["decided"], predictions["expert"])
    return float(agrees.mean())


def _mean_and_range(values: Sequence[float]) -> str:
    spread = f" ({min(values):.3f}-{max(values):.3f})" if len(values) > 1 else ""
    return f"{mean(values):.3f}{spread}"


@block
def attention() -> str:
    """Return a row for each network of malaria that begins with random weights."""
    rows = []
    for name, network in NETWORKS.items():
        result = load(name)
        metrics = result["evaluation"]["metrics"]
        figures = (interval(metrics[metric]) for metric in MAIN_METRICS)
        rows.append([network, *figures, f"{result['best']['val_auc']:.3f}"])
    return table(["network", "AUC", *MAIN_METRICS[1:], "AUC, validation"], rows)


@block
def border() -> str:
    """Return a row for each way to train on the chest X-rays, with and without swapped borders."""
    rows = []
    for name, how in BORDER_RUNS.items():
        result = load(name)
        stress = result["best"].get("stress_auc")
        metrics = (result["evaluation"]["metrics"][metric] for metric in (*MAIN_METRICS, "ece"))
        rows.append([how, "-" if stress is None else f"{stress:.3f}", *map(interval, metrics)])
    heads = ["trained", "AUC on composites", "AUC", *MAIN_METRICS[1:], "ECE"]
    return table(heads, rows)


@block
def ablation() -> str:
    """Return a row for each part of the recipe for pneumonia: what it is without, and by how much.

    Differences are of the same test films: of the AUC by the clustered DeLong test, of decisions
    by McNemar's test of patients.
    """
    whole = load("pneumonia-0")
    rows = [_ablated("the recipe, seed 0", whole, None)]
    rows += [_ablated(how, load(name), whole) for name, how in ABLATIONS.items()]
    heads = ["recipe", "AUC on composites", "AUC", "difference", "accuracy", "p", "ECE"]
    return table(heads, rows)


def _ablated(how: str, run: dict[str, Any], whole: dict[str, Any] | None) -> list[str]:
    metrics, stress = run["evaluation"]["metrics"], run["best"]["stress_auc"]
    difference, p = _against(run["predictions"], whole["predictions"]) if whole else ("", "")
    return [
        how,
        f"{stress:.3f}",
        interval(metrics["auc"]),
        difference,
        interval(metrics["accuracy"]),
        p,
        f"{metrics['ece']['value']:.3f}",
    ]


def _against(one: dict[str, list], other: dict[str, list]) -> tuple[str, str]:
    """Return the difference of the AUCs with its interval, and McNemar's p by patient."""
    positive = np.array(one["truth"], bool)
    if one["patient"] != other["patient"] or one["truth"] != other["truth"]:
        raise ValueError("The two runs did not test the same images in the same order.")
    clusters = cluster_indices(one["patient"])
    scores = np.array(one["probability"]), np.array(other["probability"])
    found = delong_test(positive, scores, clusters)
    right = tuple(np.array(run["decided"], bool) == positive for run in (one, other))
    p = mcnemar_test(right, clusters).p_by_patient
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]", f"{p:.2g}"


@block
def stress_tests() -> str:
    """Return a row for each change of the test films, and for the films of adults."""
    runs = load("stress-tests")["runs"]
    rows = []
    for part, how in STRESSED.items():
        found = [run["region_reliance"][part]["value"] for run in runs]
        rows.append([how, str(runs[0]["region_reliance"]["n"]), _mean_and_range(found), "-", "-"])
    adults = [run["adults"] for run in runs]
    columns = [
        _mean_and_range([one["metrics"][name]["value"] for one in adults])
        for name in ("auc", "accuracy")
    ]
    answered = _mean_and_range([one["answered"]["value"] for one in adults])
    rows.append(["adults, another hospital", str(adults[0]["n"]), *columns, answered])
    return table(["films", "number", "AUC", "accuracy", "share answered"], rows)


@block
def thresholds() -> str:
    """Return a row for each rule that may choose the threshold, and what else was tried."""
    found = load("threshold-rules")
    rows = [
        [
            one["images"],
            _rule(one),
            *(f"{one['accuracy_held_out'][images]:.3f}" for images in ("plain", "composites")),
            interval(one["test"]["accuracy"]),
            *(f"{one['test'][metric]['value']:.3f}" for metric in ("sensitivity", "specificity")),
        ]
        for one in found["rules"]
    ]
    heads = ["chosen on", "rule", "accuracy, plain", "composites", *MAIN_METRICS[1:]]
    swapped, test = (found["mirrored"][images] for images in ("composites", "test"))
    none, *scaled = found["calibrations"]
    low, high = (bound(one["composites"] for one in scaled) for bound in (min, max))
    lines = [
        "",
        "Calibration, fitted and judged in the same way, changes little: a log loss of "
        f"{none['composites']:.3f} on composites without, of {low:.3f} to {high:.3f} with "
        "temperature or Platt's scaling.",
        "So does the mean with the mirror image: AUC "
        f"{swapped['alone']:.4f} without, {swapped['with_mirror_image']:.4f} with it on composites,"
        f" {test['alone']:.4f} and {test['with_mirror_image']:.4f} on test films.",
        f"The mean of the logits of {len(found['runs'])} runs has an AUC of "
        f"{found['ensemble']['ensemble']:.4f} on the test films, one run "
        f"{found['ensemble']['mean_of_runs']:.4f} on average.",
    ]
    return table(heads, rows) + "\n".join(lines) + "\n"


def _rule(one: dict[str, Any]) -> str:
    if "target" in one:
        return f"{one['rule']} of at least {one['target']}"
    if "miss_cost" in one:
        return f"costs, a miss as bad as {one['miss_cost']:g} false alarms"
    return {"youden": "Youden's index"}.get(one["rule"], one["rule"])
