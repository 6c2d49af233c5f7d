"""The leakage gap: malaria cells split at random against split by patient, 5 folds each.

    python benchmarks/studies/leakage.py ../shared/data --work runs/leakage   # half an hour

Each fold is a CSV whose column `split` makes it the test part; of the other four, training and
validation parts are cut as ever. At random each cell counts as a patient of its own, as in the
paper's random split; by patient the cells of one stand on one side. Everything else is equal: the
images, the recipe, the seed, and the cells that are scored, each once. Two models:

    head    the exact head on frozen EfficientNet-Lite0 features at 128 pixels
    cnn     the network of the paper's recipe, 5 epochs

These are 5,416 cells of 180 patients, at most 44 of one; the full set has 27,558 of 200, and so
several times as many of each for a network to know again.

What is done already in `--work` is not done again. Writes `benchmarks/results/leakage.json`:
accuracy (at p >= 0.5) and AUC, pooled and by fold, and the differences, with 95 % intervals by the
bootstrap of patients for both ways of splitting.
"""

import argparse
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

import dlmath
from dlmath.cli.progress import reporter
from dlmath.data.folds import split_folds
from dlmath.data.sources import Dataset, ImageRecord, read_sources
from dlmath.evaluation.predictions import Predictions
from dlmath.linear_head.scores import auc_of_draws
from dlmath.models import other_recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run, write_csv
from dlmath.seeds import generator
from dlmath.stats.bootstrap import estimate

RESULT = Path(__file__).parents[1] / "results" / "leakage.json"
FOLDS, SEED, PAPER = 5, 0, 0.95
CNN = other_recipe("malaria", "paper").replace(seed=SEED)
MODELS = {
    "head": CNN.replace(
        backbone="efficientnet_lite0", weights="imagenet", image_size=128, tune="head"
    ),
    "cnn": CNN,
}
# Whose rules tell patients apart: at random nobody's, so that each cell stands for itself.
SPLITS = {"random": (), "patient": CNN.patient_rules}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with malaria/")
    parser.add_argument("--work", type=Path, required=True, help="where runs are kept")
    arguments = parser.parse_args()
    dataset = read_sources(
        [arguments.data / "malaria"], classes=CNN.classes, patient_rules=CNN.patient_rules
    )
    with reporter() as report:
        scores = {
            model: {
                split: cross_validate(model, split, dataset, arguments.work, report)
                for split in SPLITS
            }
            for model in MODELS
        }
    result = {
        "command": "python benchmarks/studies/leakage.py DATA --work runs/leakage",
        "images": len(dataset.examples),
        "patients": len({example.patient for example in dataset.examples}),
        "folds": FOLDS,
        "models": {model: compare(dataset, own) for model, own in scores.items()},
    }
    result["random_split_of_the_paper"] = against_the_paper(result["models"]["cnn"])
    text = json.dumps(result, indent=2) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)


def cross_validate(
    model: str, split: str, dataset: Dataset, work: Path, report: Reporter
) -> dict[str, tuple[int, float]]:
    """Return the fold of each file, and the probability that it is parasitized."""
    known = dataset if split == "patient" else without_patients(dataset)
    scores = {}
    for number, fold in enumerate(split_folds(known, FOLDS, SEED).folds):
        report.say(f"{model}, split by {split}: fold {number + 1} of {FOLDS}")
        run = Run(work / f"{model}-{split}-{number}")
        if not run.predictions_path.is_file():
            shutil.rmtree(run.folder, ignore_errors=True)
            table = write_fold(known, fold, work / f"{split}-{number}.csv")
            recipe = MODELS[model].replace(patient_rules=SPLITS[split])
            dlmath.train(recipe, table, out=run.folder, reporter=report)
            dlmath.evaluate(run, reporter=report)
        of_fold = {name_in(work, example): example.file for example in fold}
        found = Predictions.read(run)
        for file, probability in zip(found.files, found.score.tolist(), strict=True):
            scores[of_fold[file]] = (number, probability)
    return scores


def without_patients(dataset: Dataset) -> Dataset:
    examples = tuple(replace(example, patient=None) for example in dataset.examples)
    return replace(dataset, examples=examples)


def write_fold(dataset: Dataset, fold: tuple[ImageRecord, ...], table: Path) -> Path:
    held_out = {example.file for example in fold}
    rows = [
        {
            "file": name_in(table.parent, example),
            "class": example.label,
            "patient": example.patient or "",
            "split": "test" if example.file in held_out else "train",
        }
        for example in dataset.examples
    ]
    write_csv(table, tuple(rows[0]), rows)
    return table


def name_in(folder: Path, example: ImageRecord) -> str:
    return Path(os.path.relpath(example.path, folder)).as_posix()


def compare(dataset: Dataset, scores: Mapping[str, dict[str, tuple[int, float]]]) -> dict:
    """Return the figures of each split, pooled and by fold, and the gap between the two."""
    examples = dataset.examples
    positive = np.array([example.label == CNN.positive_class for example in examples])
    patients = np.array([example.patient for example in examples])
    fold = {name: np.array([own[e.file][0] for e in examples]) for name, own in scores.items()}
    score = {name: np.array([own[e.file][1] for e in examples]) for name, own in scores.items()}
    result = with_intervals(positive, patients, score)
    for name in scores:
        result[name]["folds"] = [
            with_intervals(positive[rows], patients[rows], {name: score[name][rows]})[name]
            for rows in (fold[name] == number for number in range(FOLDS))
        ]
    return result


def with_intervals(positive: np.ndarray, patients: np.ndarray, score: dict) -> dict:
    """Return accuracy and AUC of each of `score`, and what `random` has more than `patient`."""

    def statistics(weights: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        found = {}
        for name, own in score.items():
            correct = (own >= 0.5) == positive
            found[name, "accuracy"] = weights @ correct / weights.sum(axis=1)
            found[name, "auc"] = auc_of_draws(positive, own, weights)
        if len(score) > 1:
            for figure in ("accuracy", "auc"):
                found["gap", figure] = found["random", figure] - found["patient", figure]
        return found

    clusters = np.unique(patients, return_inverse=True)[1]
    estimates, _ = estimate(statistics, clusters, generator("leakage"))
    result: dict[str, dict] = {name: {} for name, _ in estimates}
    for (name, figure), found in estimates.items():
        result[name][figure] = asdict(found)
    return result


def against_the_paper(cnn: dict) -> dict:
    """Say whether the paper's wording, a random split and 5 epochs, gives over 95 % here."""
    accuracy = cnn["random"]["accuracy"]
    return {
        "epochs": CNN.epochs,
        "accuracy": accuracy,
        "passes_95_percent": accuracy["value"] > PAPER,
        "folds_that_pass": sum(one["accuracy"]["value"] > PAPER for one in cnn["random"]["folds"]),
    }


if __name__ == "__main__":
    main()
