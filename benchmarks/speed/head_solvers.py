"""The exact head against the same head trained by steps, and scikit-learn, on real features.

    python benchmarks/speed/head_solvers.py ../shared/data

All of them see the same features of the chest X-rays, computed once and kept in the cache. `sgd` is
what `--set head_solver=sgd` does without dropout and Mixup: the recipe's optimizer, rate, schedule
and batch size, here on features, since 500 epochs through the network would take half a day. Loss
and AUC are of the validation part. Writes `benchmarks/results/head-solvers.json`.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from dlmath import models
from dlmath.cli.progress import reporter
from dlmath.linear_head import Mixing, fit_head
from dlmath.models import other_recipe
from dlmath.recipe import Recipe
from dlmath.training.devices import choose_device, pin_threads
from dlmath.training.head_features import load_head_features, patients_of
from dlmath.training.optimizer import make_optimizer
from dlmath.training.preparation import Request, prepare
from dlmath.training.training_data import class_indices
from dlmath.training.validation import measure

RESULT = Path(__file__).parents[1] / "results" / "head-solvers.json"
EPOCHS = (5, 50, 500)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/")
    data = parser.parse_args().data
    pin_threads()
    recipe = other_recipe("pneumonia", "paper").replace(backbone="efficientnet_lite0", tune="head")
    with reporter() as report:
        prepared = prepare(Request(recipe, [data / "chest_xray"]), report)
        loaded = load_head_features(
            prepared, models.build(prepared.recipe), choose_device(), report
        )
    train, validation = loaded.train, loaded.validation
    features = train.array, validation.array
    mean, scale = train.array.mean(axis=0), train.array.std(axis=0)
    labels = class_indices(train.examples, recipe), class_indices(validation.examples, recipe)
    patients = patients_of(train.examples)

    targets, weights = np.eye(2)[labels[0]], np.ones(len(labels[0]))
    fit, seconds = timed(lambda: fit_head(features[0], targets, weights, patients))
    l2 = fit.l2
    rows = [describe("exact, l2 by cross-validation", seconds, fit.logits, features, labels)]
    fit, seconds = timed(lambda: fit_head(features[0], targets, weights, patients, l2=l2))
    rows.append(describe("exact, l2 given", seconds, fit.logits, features, labels))
    mixing = Mixing(0.2)
    fit, seconds = timed(lambda: fit_head(features[0], targets, weights, patients, mixing=mixing))
    rows.append(
        describe(
            "exact, Mixup of features 0.2, l2 by cross-validation",
            seconds,
            fit.logits,
            features,
            labels,
        )
    )
    solver = LogisticRegression(C=2 / (l2 * len(labels[0])), tol=1e-10, max_iter=20_000)
    _, seconds = timed(lambda: solver.fit((features[0] - mean) / scale, labels[0]))
    rows.append(
        describe("scikit-learn, the same l2", seconds, two(solver, mean, scale), features, labels)
    )
    for epochs in EPOCHS:
        model, seconds = timed(partial(by_steps, features[0], labels[0], recipe, epochs))
        rows.append(describe(f"sgd, {epochs} epochs", seconds, model, features, labels))
    RESULT.write_text(
        json.dumps(
            {
                "command": "python benchmarks/speed/head_solvers.py DATA",
                "cores": len(os.sched_getaffinity(0)),
                "l2": l2,
                "images": {"train": len(labels[0]), "validation": len(labels[1])},
                "solvers": rows,
            },
            indent=2,
        )
        + "\n",
        encoding="utf-8",
    )


def timed(work: Callable[[], object]) -> tuple:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def two(
    solver: LogisticRegression, mean: np.ndarray, scale: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    return lambda rows: np.outer(solver.decision_function((rows - mean) / scale), [-0.5, 0.5])


def by_steps(
    features: np.ndarray, labels: np.ndarray, recipe: Recipe, epochs: int
) -> Callable[[np.ndarray], np.ndarray]:
    keras.utils.set_random_seed(0)
    recipe = recipe.replace(epochs=epochs, mixup=0.0)
    model = keras.Sequential([keras.Input((features.shape[1],)), keras.layers.Dense(2)])
    model.compile(
        make_optimizer(recipe, len(labels) // recipe.batch_size),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    whole = len(labels) // recipe.batch_size * recipe.batch_size
    model.fit(
        features[:whole], labels[:whole], batch_size=recipe.batch_size, epochs=epochs, verbose=0
    )
    return lambda rows: model.predict(rows, batch_size=1024, verbose=0).astype(np.float64)


def describe(
    name: str,
    seconds: float,
    logits_of: Callable[[np.ndarray], np.ndarray],
    features: tuple[np.ndarray, np.ndarray],
    labels: tuple[np.ndarray, np.ndarray],
) -> dict:
    """Return the time of one way and the figures of its head."""
    recipe = other_recipe("pneumonia", "paper")
    train, validation = (
        measure(softmax(logits_of(part), axis=1), truth, recipe)
        for part, truth in zip(features, labels, strict=True)
    )
    result = {
        "name": name,
        "seconds": round(seconds, 2),
        "train_loss": train["val_loss"],
        **validation,
    }
    print(json.dumps(result))
    return result


if __name__ == "__main__":
    main()
