"""Decision boundaries of least degree on features of both tasks, before and after fine-tuning.

    python benchmarks/boundaries.py ../shared/data --work runs/boundaries   # a quarter of an hour

Tsemo asks what boundaries fine-tuned networks form, and conjectures that a low degree needs less
data (lines 36 and 39; Definition 5.4). Each task's patients are parted three ways:

    tune    the network is fine-tuned on their images
    fit     the boundary is found on principal components of these features, 200 images a class
    score   it is scored on these, as many images of either class: 0.5 is chance

Pneumonia: EfficientNet-Lite0 at 128 pixels, ImageNet weights, before and after `--tune tail`.
Malaria: the recipe's network at its random initial weights, and after training. The principal
components are those of the features of the fit part, none of the score part. Intervals are
bootstraps of the patients scored. The least degree is found again with the labels of the fit part
permuted: what degree separates them by chance, having coefficients enough.

What is trained already in `--work` is not trained again. Writes
`benchmarks/results/boundaries.json`.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
from leakage import name_in  # beside this file

import dlmath
from dlmath.cli.progress import reporter
from dlmath.data.pixels import load_pixels
from dlmath.data.sources import Catalogue, Example, read_sources
from dlmath.evaluation.bootstrap import cluster_indices, estimate
from dlmath.features.network import feature_model
from dlmath.maths.boundaries import Boundary, by_degree, fit_boundary
from dlmath.maths.components import Components
from dlmath.models import RECIPES, build
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run, write_csv
from dlmath.seeds import generator

RESULT = Path(__file__).parent / "results" / "boundaries.json"
SEED, TUNED_ON, PER_CLASS, SCORED_PER_CLASS = 0, 1_500, 200, 500
ALPHAS = (0.9, 0.95, 1.0)
HIGHEST = {1: 12, 2: 10, 3: 7, 5: 4, 8: 3}  # degree by components: at most 165 coefficients
SIZES, DEGREES, COMPONENTS, DRAWS = (25, 50, 100, 200, 400), (1, 2, 3), 5, 10
TASKS = {
    "pneumonia": (
        "chest_xray",
        RECIPES["pneumonia"].replace(
            backbone="efficientnet_lite0", image_size=128, tune="tail", epochs=2, seed=SEED
        ),
    ),
    "malaria": ("malaria", RECIPES["malaria"].replace(seed=SEED)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/ and malaria/")
    parser.add_argument("--work", type=Path, required=True, help="where runs are kept")
    arguments = parser.parse_args()
    with reporter() as report:
        tasks = {
            name: study(arguments.data / folder, recipe, arguments.work / name, report)
            for name, (folder, recipe) in TASKS.items()
        }
    result = {
        "command": "python benchmarks/boundaries.py DATA --work runs/boundaries",
        "alphas": ALPHAS,
        "learning_curve_components": COMPONENTS,
        "draws": DRAWS,
        "tasks": tasks,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def study(source: Path, recipe: Recipe, work: Path, report: Reporter) -> dict:
    """Return the figures of one task, before and after its network is tuned."""
    catalogue = read_sources([source], classes=recipe.classes, patient_rules=recipe.patient_rules)
    parts = parted(catalogue)
    work.mkdir(parents=True, exist_ok=True)
    after = work / "run" / "model.keras"
    if not after.is_file():
        table = write_table(parts, work / "table.csv")
        dlmath.train(recipe, table, out=work / "run", reporter=report)
    networks = {"before": build(recipe), "after": dlmath.load(Run(work / "run"))}
    found = {}
    for when, network in networks.items():
        report.say(f"{recipe.name}, {when}: features and boundaries")
        rows = {part: featured(parts[part], network, recipe) for part in ("fit", "score")}
        found[when] = {
            "degrees": [degrees(rows, count, highest) for count, highest in HIGHEST.items()],
            "curve": learning_curve(rows),
        }
    counts = {
        part: {"images": len(own), "patients": len({example.patient for example in own})}
        for part, own in parts.items()
    }
    return {"backbone": recipe.backbone, "parts": counts, **found}


def parted(catalogue: Catalogue) -> dict[str, list[Example]]:
    """Return the images of three sets of patients, the last two with the classes balanced.

    Images of the official test part stay out: they differ from the others.
    """
    examples = [example for example in catalogue.examples if example.part != "test"]
    patients = sorted({str(example.patient) for example in examples})
    generator("boundaries", SEED).shuffle(patients)
    place = {patient: number / len(patients) for number, patient in enumerate(patients)}

    def between(low: float, high: float) -> list[Example]:
        return [e for e in examples if low <= place[str(e.patient)] < high]

    tuned = sorted(between(0.0, 0.6), key=lambda e: place[str(e.patient)])[:TUNED_ON]
    return {
        "tune": tuned,
        "fit": balanced(between(0.6, 0.75), catalogue.classes, PER_CLASS),
        "score": balanced(between(0.75, 1.0), catalogue.classes, SCORED_PER_CLASS),
    }


def balanced(examples: Sequence[Example], classes: Sequence[str], most: int) -> list[Example]:
    """Return as many examples of each class, at random, at most `most`."""
    own = {name: [e for e in examples if e.label == name] for name in classes}
    count = min(most, *(len(group) for group in own.values()))
    rng = generator("balanced", SEED)
    return [group[row] for group in own.values() for row in rng.permutation(len(group))[:count]]


def write_table(parts: dict[str, list[Example]], table: Path) -> Path:
    """Write the CSV that training reads: who tunes, and who is kept from it."""
    rows = [
        {
            "file": name_in(table.parent, example),
            "class": example.label,
            "patient": example.patient or "",
            "split": "train" if part == "tune" else "test",
        }
        for part, own in parts.items()
        for example in own
    ]
    write_csv(table, tuple(rows[0]), rows)
    return table


class Featured:
    """Features (N, D) of examples, their labels +1 (the disease) or -1, and their patients."""

    def __init__(self, examples: Sequence[Example], features: np.ndarray, positive: str):
        self.features = features
        self.labels = np.array([1.0 if e.label == positive else -1.0 for e in examples])
        self.patients = cluster_indices([e.patient for e in examples])


def featured(examples: Sequence[Example], network: keras.Model, recipe: Recipe) -> Featured:
    pixels = load_pixels(examples, recipe.image_size)
    model = feature_model(network)
    features = model.predict(pixels.array.astype(np.float32), batch_size=32, verbose=0)
    return Featured(pixels.examples, features.astype(np.float64), recipe.positive_class)


def degrees(rows: dict[str, Featured], count: int, highest: int) -> dict:
    """Return the least degree for each alpha on so many components, and how it does elsewhere."""
    fit, score = rows["fit"], rows["score"]
    components = Components.of(fit.features, count)
    points = components(fit.features)
    found = list(by_degree(points, fit.labels, highest))
    by_chance = list(by_degree(points, generator("permuted").permutation(fit.labels), highest))
    return {
        "components": points.shape[1],
        "highest": highest,
        "least": [scored(alpha, found, components(score.features), score) for alpha in ALPHAS],
        "least_of_permuted_labels": least(by_chance, 1.0),
        "accuracy_by_degree": [boundary.accuracy for boundary in found],
    }


def least(found: Sequence[Boundary], alpha: float) -> int | None:
    return next((one.degree for one in found if one.accuracy >= alpha), None)


def scored(alpha: float, found: Sequence[Boundary], points: np.ndarray, score: Featured) -> dict:
    degree = least(found, alpha)
    if degree is None:
        return {"alpha": alpha, "degree": None, "accuracy": None}
    right = np.sign(found[degree - 1](points)) == score.labels
    return {"alpha": alpha, "degree": degree, "accuracy": mean_of(right, score.patients)}


def learning_curve(rows: dict[str, Featured]) -> list[dict]:
    """Return the accuracy by size and degree, and what degree 1 has more than each other."""
    fit, score = rows["fit"], rows["score"]
    result = []
    for size in (size for size in SIZES if size <= len(fit.labels)):
        right = {degree: np.zeros(len(score.labels)) for degree in DEGREES}
        for draw in range(DRAWS if size < len(fit.labels) else 1):
            chosen = generator("size", size, draw).permutation(len(fit.labels))[:size]
            components = Components.of(fit.features[chosen], COMPONENTS)
            points, new = components(fit.features[chosen]), components(score.features)
            for degree in DEGREES:
                boundary = fit_boundary(points, fit.labels[chosen], degree)
                right[degree] += np.sign(boundary(new)) == score.labels
        share = {degree: hits / (draw + 1) for degree, hits in right.items()}
        result.append(
            {
                "size": size,
                "accuracy": {d: mean_of(share[d], score.patients) for d in DEGREES},
                "advantage_of_degree_1": {
                    d: mean_of(share[1] - share[d], score.patients) for d in DEGREES[1:]
                },
            }
        )
    return result


def mean_of(values: np.ndarray, patients: np.ndarray) -> dict:
    """Return a mean over images with its 95 % interval by the bootstrap of patients."""

    def statistics(weights: np.ndarray) -> dict[str, np.ndarray]:
        return {"mean": weights @ values / weights.sum(axis=1)}

    return asdict(estimate(statistics, patients, generator("boundaries", "interval"))[0]["mean"])


if __name__ == "__main__":
    main()
