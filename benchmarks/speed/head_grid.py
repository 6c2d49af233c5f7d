"""The head's penalty by cross-validation, against scikit-learn's on the same grid and folds.

    python benchmarks/speed/head_grid.py ../shared/data

Features of EfficientNet-Lite0 on malaria cells: two classes by patient, and the same cells dealt
into 7 and 15 folders in the order of their names, so the solver has more classes to hold apart.
scikit-learn's `LogisticRegressionCV` starts each penalty from the solution of the one before, stops
at its default tolerance, and has its columns standardised once, by all rows. Both choose from half
decades of the penalty, 1 to 1e-5, on the same five folds, in turns, after a fit to a corner of the
data outside the clock. dlmath leaves the grid where the loss is clearly worse, and goes beyond an
end where the best lies; its last fit is to a gradient of 1e-9.
Writes `benchmarks/results/head-grid.json`.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegressionCV

from dlmath import models
from dlmath.blas_threads import single_threaded
from dlmath.cli.progress import reporter
from dlmath.data.sources import read_sources
from dlmath.features import freeze, load_features
from dlmath.linear_head import fit_head
from dlmath.linear_head.folds import patient_folds
from dlmath.linear_head.regularization_path import STEP, STRONGEST, WEAKEST
from dlmath.recipe import Recipe
from dlmath.training.devices import pin_threads

RESULT = Path(__file__).parents[1] / "results" / "head-grid.json"
CASES = ((2, 420), (7, 420), (15, 105))  # classes, images
ROUNDS = 7
GRID = STRONGEST * STEP ** -np.arange(round(np.log(STRONGEST / WEAKEST) / np.log(STEP)) + 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with malaria/")
    pin_threads()
    features, truth, patients = cell_features(parser.parse_args().data)
    rows = []
    for classes, images in CASES:
        labels = truth if classes == 2 else np.arange(len(truth)) * classes // images
        chosen = slice(None) if classes == 2 else slice(images)
        groups = patients[chosen] if classes == 2 else np.arange(images)
        rows.append(compare(features[chosen], labels[chosen], groups))
        print(json.dumps(rows[-1]))
    RESULT.write_text(
        json.dumps(
            {
                "command": "python benchmarks/speed/head_grid.py DATA",
                "cores": len(os.sched_getaffinity(0)),
                "rounds": ROUNDS,
                "cases": rows,
            },
            indent=2,
        )
        + "\n",
        encoding="utf-8",
    )


def cell_features(data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features (420, D), classes (420,) and patients (420,) of cells.

    They are seven cells of each class of 30 patients.
    """
    recipe = Recipe(name="grid", classes=("a", "b"), backbone="efficientnet_lite0")
    with ZipFile(data / "malaria" / "malaria_cells.zip") as cells, reporter() as report:
        members = of_thirty_patients(cells.namelist(), each=7)
        with tempfile.TemporaryDirectory() as folder:
            cells.extractall(folder, members)
            examples = read_sources([next(Path(folder).iterdir())]).examples
            network = freeze(models.build(recipe))
            found = load_features(examples, network, progress=report.task("features")).array
    labels = np.array([example.label == "Parasitized" for example in examples], int)
    return found, labels, np.array([patient(example.file) for example in examples])


def of_thirty_patients(names: list[str], each: int) -> list[str]:
    """Return cells of the first 30 patients that have enough of both classes."""
    by: dict[tuple[str, str], list[str]] = {}
    for name in names:
        if name.endswith(".png"):
            by.setdefault((patient(name), Path(name).parent.name), []).append(name)
    both = ("Parasitized", "Uninfected")
    known = sorted({one for one, _ in by})
    enough = [p for p in known if all(len(by.get((p, k), ())) >= each for k in both)]
    return [name for p in enough[:30] for k in both for name in by[p, k][:each]]


def patient(name: str) -> str:
    return Path(name).name.split("_")[0].split("P")[0]


def compare(features: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> dict:
    """Return the times of both in turns, and the penalty that each chose."""
    targets = np.eye(labels.max() + 1)[labels]
    fold = patient_folds(groups, targets, 5, 0)
    weights = np.ones(len(labels))
    few = np.concatenate([np.flatnonzero(labels == k)[:3] for k in range(targets.shape[1])])
    fit_head(features[few, :50], targets[few], weights[few], groups[few], l2=1.0)
    scikit_learn(features[few, :50], labels[few], np.arange(len(few)) % 3)
    ways: dict[str, Callable[[], float]] = {
        "dlmath": lambda: fit_head(features, targets, weights, groups).l2,
        "scikit-learn": lambda: scikit_learn(features, labels, fold),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    chosen = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            chosen[name] = way()
            seconds[name].append(round(time.perf_counter() - began, 3))
    ours, theirs = (statistics.median(seconds[name]) for name in ways)
    return {
        "images": len(labels),
        "features": features.shape[1],
        "classes": targets.shape[1],
        "ways": {name: {"seconds": seconds[name], "l2": chosen[name]} for name in ways},
        "ratio": round(theirs / ours, 2),
    }


@single_threaded
def scikit_learn(features: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> float:
    """Return the chosen penalty, as dlmath counts it; on one thread, as dlmath."""
    scale = features.std(axis=0)
    standardised = (features - features.mean(axis=0)) / np.where(scale > 0, scale, 1)
    per_unit = (2 if labels.max() == 1 else 1) / len(labels)
    cut = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(fold.max() + 1)]
    solver = LogisticRegressionCV(
        Cs=per_unit / GRID,
        cv=cut,
        scoring="neg_log_loss",
        l1_ratios=(0.0,),
        max_iter=10_000,
        use_legacy_attributes=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solver.fit(standardised, labels)
    return per_unit / float(solver.C_)


if __name__ == "__main__":
    main()
