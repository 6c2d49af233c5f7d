"""What calibration on validation does to the probabilities of test images, on real data.

    python benchmarks/studies/calibration.py ../shared/data

The head of frozen EfficientNet-Lite0 features is solved for, then left as it is, or scaled on the
validation part by temperature or by Platt's method. Chest X-rays have one official test part (here
308 of its 624 images); the malaria cells (5,416, capped per patient) are split by patient three
times. Differences are to the head as it is, under the same draws of patients.

Writes `benchmarks/results/calibration.json`.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from scipy.special import softmax

from dlmath import models
from dlmath.cli.progress import reporter
from dlmath.evaluation.calibration import probability_columns, probability_metrics_of
from dlmath.evaluation.expected_calibration_error import calibration_error
from dlmath.features import load_features
from dlmath.linear_head.scaling import METHODS, Scaling, fit_scaling, unscaled
from dlmath.models import other_recipe
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.seeds import generator
from dlmath.stats.bootstrap import Estimate, cluster_indices, estimate
from dlmath.training.devices import choose_device, pin_threads
from dlmath.training.head_features import load_head_features, patients_of
from dlmath.training.head_trainer import solve_head
from dlmath.training.preparation import Request, prepare
from dlmath.training.training_data import class_indices

RESULT = Path(__file__).parents[1] / "results" / "calibration.json"
LITE0 = {"backbone": "efficientnet_lite0", "weights": "imagenet", "tune": "head"}
MALARIA_SPLITS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/ and malaria/")
    data = parser.parse_args().data
    pin_threads()
    pneumonia = other_recipe("pneumonia", "paper").replace(**LITE0)
    malaria = other_recipe("malaria", "paper").replace(**LITE0, image_size=128)
    with reporter() as report:
        result = {
            "command": "python benchmarks/studies/calibration.py DATA",
            **{
                f"malaria-{seed}": measure(malaria.replace(seed=seed), data / "malaria", report)
                for seed in range(MALARIA_SPLITS)
            },
            "pneumonia": measure(pneumonia, data / "chest_xray", report),
        }
    text = json.dumps(result, indent=2) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)


def measure(recipe: Recipe, data: Path, report: Reporter) -> dict:
    prepared = prepare(Request(recipe, [data]), report)
    features = load_head_features(prepared, models.build(prepared.recipe), choose_device(), report)
    head = solve_head(features, report, None)
    test = load_features(
        prepared.split.test,
        features.network,
        progress=report.task("test images"),
    )
    held_out = features.validation
    logits = head.logits(held_out.array)
    labels = class_indices(held_out.examples, features.recipe)
    scalings = [unscaled(2), *(fit_scaling(logits, labels, method) for method in METHODS)]
    figures, differences = on_test(
        scalings,
        head.logits(test.array),
        class_indices(test.examples, features.recipe),
        cluster_indices(patients_of(test.examples)),
    )
    return {
        "images": {"validation": len(labels), "test": len(test.examples)},
        "scalings": {one.method: asdict(one) for one in scalings},
        "test": {name: asdict(figure) for name, figure in figures.items()},
        "less_than_unscaled": {name: asdict(figure) for name, figure in differences.items()},
    }


def on_test(
    scalings: list[Scaling], logits: np.ndarray, labels: np.ndarray, clusters: np.ndarray
) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """Return the figures of each scaling, and those less the figures of the first."""
    probabilities = {one.method: softmax(one(logits), axis=1) for one in scalings}
    columns = {method: probability_columns(labels, p) for method, p in probabilities.items()}

    def figures(weights: np.ndarray) -> dict[str, np.ndarray]:
        total = weights.sum(axis=1)
        return {
            f"{method} {name}": values
            for method, array in columns.items()
            for name, values in probability_metrics_of(weights @ array, total).items()
        }

    def differences(weights: np.ndarray) -> dict[str, np.ndarray]:
        found = figures(weights)
        return {
            name: values - found[f"{scalings[0].method} {name.split()[1]}"]
            for name, values in found.items()
            if not name.startswith(scalings[0].method)
        }

    found = estimate(figures, clusters, generator("calibration"))[0]
    less = estimate(differences, clusters, generator("calibration"))[0]
    errors = {m: calibration_error(labels, p, clusters) for m, p in probabilities.items()}
    for method, error in errors.items():
        found[f"{method} ece"] = error
        if f"{method} ece" in less:  # of which no interval is known to hold the truth
            value = error.value - errors[scalings[0].method].value
            less[f"{method} ece"] = Estimate(value, None, None)
    return found, less


if __name__ == "__main__":
    main()
