"""Decision boundaries of least degree on features of both tasks, before and after fine-tuning.

    python benchmarks/studies/boundaries.py ../shared/data --work runs/boundaries  # 15 minutes

Tsemo asks what boundaries fine-tuned networks form, and conjectures that a low degree needs less
data (lines 36 and 39; Definition 5.4). Each task's patients are parted three ways:

    tune    the network is fine-tuned on their images
    fit     the boundary is found on principal components of these features, 200 images a class
    score   it is scored on these, as many images of either class: 0.5 is chance

Pneumonia: EfficientNet-Lite0 at 128 pixels, ImageNet weights, before and after `--tune tail`.
Malaria: the recipe's network at its random initial weights, and after training. What is then made
of the features is in `boundary_studies.py`.

Networks and features that `--work` holds already are not computed again. Writes
`benchmarks/results/boundaries.json`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from boundary_studies import SETTINGS, Featured, study  # next to this file
from leakage import name_in

import dlmath
from dlmath.cli.progress import reporter
from dlmath.data.pixels import load_pixels
from dlmath.data.sources import Dataset, ImageRecord, read_sources
from dlmath.features.network import feature_model
from dlmath.models import build, other_recipe
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run, write_csv
from dlmath.seeds import generator

RESULT = Path(__file__).parents[1] / "results" / "boundaries.json"
SEED, TUNED_ON, PER_CLASS, SCORED_PER_CLASS = 0, 1_500, 200, 500
TASKS = {
    "pneumonia": (
        "chest_xray",
        other_recipe("pneumonia", "paper").replace(
            backbone="efficientnet_lite0", image_size=128, tune="tail", epochs=2, seed=SEED
        ),
    ),
    "malaria": ("malaria", other_recipe("malaria", "paper").replace(seed=SEED)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/ and malaria/")
    parser.add_argument("--work", type=Path, required=True, help="where runs are kept")
    arguments = parser.parse_args()
    with reporter() as report:
        tasks = {
            name: task(arguments.data / folder, recipe, arguments.work / name, report)
            for name, (folder, recipe) in TASKS.items()
        }
    result = {
        "command": "python benchmarks/studies/boundaries.py DATA --work runs/boundaries",
        **SETTINGS,
        "tasks": tasks,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def task(source: Path, recipe: Recipe, work: Path, report: Reporter) -> dict:
    """Return the figures of one task, before and after its network is tuned."""
    dataset = read_sources([source], classes=recipe.classes, patient_rules=recipe.patient_rules)
    parts = parted(dataset)
    found = {}
    for when in ("before", "after"):
        report.say(f"{recipe.name}, {when}: features and boundaries")
        found[when] = study(**features(parts, recipe, work, when, report))
    counts = {
        part: {"images": len(own), "patients": len({example.patient for example in own})}
        for part, own in parts.items()
    }
    return {"backbone": recipe.backbone, "parts": counts, **found}


def parted(dataset: Dataset) -> dict[str, list[ImageRecord]]:
    """Return the images of three sets of patients, the last two with the classes balanced.

    Images of the official test part stay out: they differ from the others.
    """
    examples = [example for example in dataset.examples if example.part != "test"]
    patients = sorted({str(example.patient) for example in examples})
    generator("boundaries", SEED).shuffle(patients)
    place = {patient: number / len(patients) for number, patient in enumerate(patients)}

    def between(low: float, high: float) -> list[ImageRecord]:
        return [e for e in examples if low <= place[str(e.patient)] < high]

    tuned = sorted(between(0.0, 0.6), key=lambda e: place[str(e.patient)])[:TUNED_ON]
    return {
        "tune": tuned,
        "fit": balanced(between(0.6, 0.75), dataset.classes, PER_CLASS),
        "score": balanced(between(0.75, 1.0), dataset.classes, SCORED_PER_CLASS),
    }


def balanced(
    examples: Sequence[ImageRecord], classes: Sequence[str], most: int
) -> list[ImageRecord]:
    """Return as many examples of each class, at random, at most `most`."""
    own = {name: [e for e in examples if e.label == name] for name in classes}
    count = min(most, *(len(group) for group in own.values()))
    rng = generator("balanced", SEED)
    return [group[row] for group in own.values() for row in rng.permutation(len(group))[:count]]


def features(
    parts: dict[str, list[ImageRecord]], recipe: Recipe, work: Path, when: str, report: Reporter
) -> dict[str, Featured]:
    """Return the features of the parts `fit` and `score`, from `work` where it has them."""
    files = {part: work / f"{when}-{part}.npz" for part in ("fit", "score")}
    if not all(file.is_file() for file in files.values()):
        network = build(recipe) if when == "before" else tuned(parts, recipe, work, report)
        work.mkdir(parents=True, exist_ok=True)
        for part, file in files.items():
            np.savez(file, features=in_front_of_the_last_layer(parts[part], network, recipe))
    return {part: featured(parts[part], file, recipe) for part, file in files.items()}


def tuned(
    parts: dict[str, list[ImageRecord]], recipe: Recipe, work: Path, report: Reporter
) -> keras.Model:
    """Return the network trained on the part `tune`, from `work` where it has it."""
    if not (work / "run" / "model.keras").is_file():
        dlmath.train(recipe, write_table(parts, work), out=work / "run", reporter=report)
    return dlmath.load(Run(work / "run"))


def write_table(parts: dict[str, list[ImageRecord]], work: Path) -> Path:
    """Write the CSV that training reads: who tunes, and who is kept from it."""
    rows = [
        {
            "file": name_in(work, example),
            "class": example.label,
            "patient": example.patient or "",
            "split": "train" if part == "tune" else "test",
        }
        for part, own in parts.items()
        for example in own
    ]
    write_csv(work / "table.csv", tuple(rows[0]), rows)
    return work / "table.csv"


def in_front_of_the_last_layer(
    examples: Sequence[ImageRecord], network: keras.Model, recipe: Recipe
) -> np.ndarray:
    pixels = load_pixels(examples, recipe.image_size).array.astype(np.float32)
    return np.asarray(feature_model(network).predict(pixels, batch_size=32, verbose=0))


def featured(examples: Sequence[ImageRecord], file: Path, recipe: Recipe) -> Featured:
    with np.load(file) as stored:
        values = stored["features"].astype(np.float64)
    labels = np.array([1.0 if e.label == recipe.positive_class else -1.0 for e in examples])
    patients = np.unique([str(e.patient) for e in examples], return_inverse=True)[1]
    return Featured(values, labels, patients)


if __name__ == "__main__":
    main()
