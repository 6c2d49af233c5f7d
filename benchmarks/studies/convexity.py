"""What convexity gives for nothing, checked against what it replaces.

    python benchmarks/studies/convexity.py ../shared/data

1. Leaving out each patient of the chest X-rays by one Newton step, against solving it again.
2. How often the 95 % intervals of a head's log-odds, made from 60 phantom patients, hold the answer
   of a head made from ten times as many: 20 draws of the 60, scored on images of other patients.

Writes `benchmarks/results/convexity.json`.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from dlmath import models, seeds
from dlmath.cli.progress import reporter
from dlmath.data.phantom import write_phantoms
from dlmath.data.sources import read_sources
from dlmath.features import freeze, load_features
from dlmath.linear_head import HeadFit, fit_head, laplace, leave_patients_out
from dlmath.models import other_recipe
from dlmath.reporting import Reporter
from dlmath.training.devices import choose_device, pin_threads
from dlmath.training.head_features import head_data, load_head_features, patients_of
from dlmath.training.preparation import Request, prepare

RESULT = Path(__file__).parents[1] / "results" / "convexity.json"
RECIPE = other_recipe("pneumonia", "paper").replace(backbone="efficientnet_lite0", tune="head")
PATIENTS, FEW, DRAWS = 900, 60, 20
PENALTY = 0.03


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/")
    data = parser.parse_args().data
    pin_threads()
    with reporter() as report:
        result = {
            "command": "python benchmarks/studies/convexity.py DATA",
            "leave_one_patient_out": leaving_out(data, report),
            "coverage_on_phantoms": coverage(report),
        }
    text = json.dumps(result, indent=2) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)


def leaving_out(data: Path, report: Reporter) -> dict:
    prepared = prepare(Request(RECIPE, [data / "chest_xray"]), report)
    loaded = load_head_features(prepared, models.build(prepared.recipe), choose_device(), report)
    head = head_data(loaded)
    arrays = (head.features, head.targets, head.weights, head.groups)
    fit = fit_head(*arrays, l2=PENALTY)
    ways = {}
    for name, exact in (("newton step", False), ("solved again", True)):
        began = time.perf_counter()
        ways[name] = leave_patients_out(fit, *arrays, exact=exact)
        report.say(f"{name}: {time.perf_counter() - began:.1f} s")
        ways[f"{name} seconds"] = time.perf_counter() - began
    step, again = ways["newton step"], ways["solved again"]
    difference = np.abs(log_odds(step.probabilities) - log_odds(again.probabilities))
    moved = np.abs(log_odds(fit_probabilities(fit, head.features)) - log_odds(again.probabilities))
    return {
        "patients": len(np.unique(head.groups)),
        "seconds": {
            name: round(ways[f"{name} seconds"], 1) for name in ("newton step", "solved again")
        },
        "log_loss": [step.log_loss, again.log_loss],
        "auc": [step.auc, again.auc],
        "error_of_log_odds": quantiles(difference),
        "change_of_log_odds": quantiles(moved),
        "error_of_probability": quantiles(
            np.abs(step.probabilities[:, 1] - again.probabilities[:, 1])
        ),
    }


def coverage(report: Reporter) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        root = write_phantoms("pneumonia", Path(folder) / "phantoms", patients=PATIENTS, seed=5)
        dataset = read_sources([root], patient_rules=RECIPE.patient_rules)
        network = freeze(models.build(RECIPE.replace(classes=dataset.classes)))
        features = load_features(
            dataset.examples,
            network,
            progress=report.task("phantoms"),
        )
    labels = np.array([dataset.classes.index(e.label) for e in features.examples])
    patients = patients_of(features.examples)
    names = np.unique(patients)
    unseen = np.isin(patients, seeds.generator("unseen").permutation(names)[: len(names) // 3])
    known = np.unique(patients[~unseen])
    truth = log_odds(
        fit_probabilities(solve(features.array, labels, patients, ~unseen), features.array[unseen])
    )
    inside = []
    for draw in range(DRAWS):
        few = seeds.generator("few", draw).permutation(known)[:FEW]
        rows = np.isin(patients, few)
        own = (features.array[rows], np.eye(2)[labels[rows]], np.ones(rows.sum()))
        head = solve(features.array, labels, patients, rows)
        found = laplace(head, *own, patients[rows]).predict(features.array[unseen])
        odds, reach = found.log_odds[:, 1], 1.96 * found.standard_deviation[:, 1]
        inside.append(float(np.mean(np.abs(odds - truth) <= reach)))
    return {
        "patients": FEW,
        "of": len(known),
        "draws": DRAWS,
        "unseen_images": int(unseen.sum()),
        "coverage": float(np.mean(inside)),
        "range": [min(inside), max(inside)],
    }


def solve(
    features: np.ndarray, labels: np.ndarray, patients: np.ndarray, rows: np.ndarray
) -> HeadFit:
    """One prior for all: the penalty of a part with a share of the rows is so much stronger."""
    share = rows.sum() / len(rows)
    return fit_head(
        features[rows],
        np.eye(2)[labels[rows]],
        np.ones(rows.sum()),
        patients[rows],
        l2=PENALTY / share,
    )


def fit_probabilities(fit: HeadFit, features: np.ndarray) -> np.ndarray:
    logits = fit.logits(features)
    odds = logits[:, 1] - logits[:, 0]
    return np.stack([1 / (1 + np.exp(odds)), 1 / (1 + np.exp(-odds))], axis=1)


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    return np.log(probabilities[:, 1]) - np.log(probabilities[:, 0])


def quantiles(values: np.ndarray) -> dict[str, float]:
    return {
        name: float(np.quantile(values, q))
        for name, q in (("median", 0.5), ("95 %", 0.95), ("largest", 1))
    }


if __name__ == "__main__":
    main()
