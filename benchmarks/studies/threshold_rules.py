"""What the rules for a threshold, calibration, mirrored images and several runs are worth.

    python benchmarks/studies/main_results.py DATA --runs RUNS pneumonia-0 pneumonia-1 ...
    python benchmarks/studies/threshold_rules.py RUNS

Each rule of the recipe chooses on the plain validation films or on composites of them. It is judged
on films that did not choose: half of the validation patients choose and the other half is decided,
plain and as composites, in 20 drawn halvings. For the table it is then chosen on the whole part, as
training does, and decides the test films; no rule is chosen by those. Temperature and Platt's
scaling are fitted and judged in the same way. Logits of an image and of its mirror image are
averaged, and those of the runs of all seeds.

Writes `benchmarks/results/threshold-rules.json`.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from over_seeds import mean_over_seeds  # next to this file
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score

from dlmath.data.pixels import load_pixels
from dlmath.data.stressed import composites
from dlmath.evaluation.evaluated_images import own_images
from dlmath.evaluation.threshold import Rule, choose_threshold
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.linear_head.scaling import METHODS, Scaling, fit_scaling, unscaled
from dlmath.runs import Run
from dlmath.seeds import generator
from dlmath.training.devices import pin_threads

RESULT = Path(__file__).parents[1] / "results" / "threshold-rules.json"
HALVINGS = 20
RULES = (
    Rule("youden"),
    Rule("accuracy"),
    Rule("sensitivity", 0.95),
    Rule("sensitivity", 0.975),
    Rule("specificity", 0.95),
    Rule("costs", miss_cost=2.0),
    Rule("costs", miss_cost=0.5),
)


@dataclass(frozen=True)
class Scored:
    """Images with what a model makes of them.

    Attributes:
        truth: (N,) bool, whether an image is positive.
        patient: (N,) of str.
        score: (N,) log-odds of the positive class.
        mirrored: (N,) those of the mirror images.
    """

    truth: np.ndarray
    patient: np.ndarray
    score: np.ndarray
    mirrored: np.ndarray

    def where(self, rows: np.ndarray) -> "Scored":
        return Scored(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @property
    def probability(self) -> np.ndarray:
        return expit(self.score)


@dataclass(frozen=True)
class Scores:
    """The plain validation images of a run, composites of them, and its test images."""

    plain: Scored
    composites: Scored
    test: Scored


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", type=Path, help="the folder with pneumonia-0, pneumonia-1 ...")
    folders = sorted(parser.parse_args().runs.glob("pneumonia-[0-9]"))
    pin_threads()
    scores = [score_run(Run(folder)) for folder in folders]
    result = {
        "command": "python benchmarks/studies/threshold_rules.py RUNS",
        "runs": [folder.name for folder in folders],
        "validation_images": [len(one.plain.truth) for one in scores],
        "rules": list(judge_rules(scores)),
        "calibrations": list(judge_calibrations(scores)),
        "mirrored": judge_mirrored(scores),
        "ensemble": judge_ensemble(scores),
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def score_run(run: Run) -> Scores:
    """Return what a run makes of its validation part, of composites and of its test part."""
    classifier, recipe = KerasClassifier.load(run), run.recipe
    positive = recipe.classes.index(recipe.positive_class)

    def scored(images: np.ndarray, truth: np.ndarray, patients: np.ndarray) -> Scored:
        log_odds = [
            np.log(found[:, positive]) - np.log(found[:, 1 - positive])
            for found in (
                classifier.predict(shown).probabilities.astype(np.float64)
                for shown in (images, images[:, :, ::-1])
            )
        ]
        return Scored(truth == positive, patients, *log_odds)

    def part(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        images = own_images(run, name)
        pixels = load_pixels(images.examples, classifier.image_size, on_bad_file="error")
        labels = np.array([recipe.classes.index(one.label) for one in pixels.examples])
        return pixels.array, labels, np.array([one.patient for one in pixels.examples])

    images, labels, patients = part("validation")
    made, rows = composites(images, labels, recipe)
    return Scores(
        scored(images, labels, patients),
        scored(made, labels[rows], patients[rows]),
        scored(*part("test")),
    )


def judge_rules(scores: list[Scores]) -> Iterator[dict[str, Any]]:
    """Yield each rule on each kind of images that may choose, with the means over the runs."""
    for images in ("plain", "composites"):
        for rule in RULES:
            held_out, tested, thresholds = [], [], []
            for one in scores:
                for chooses, judged in halvings(one):
                    threshold = best(rule, getattr(chooses, images))
                    held_out.append([accuracy(part, threshold) for part in judged])
                threshold = best(rule, getattr(one, images))
                thresholds.append(threshold)
                tested.append({"predictions": decided(one.test, threshold)})
            plain, swapped = np.mean(held_out, axis=0)
            found = mean_over_seeds(tested)
            yield {
                **rule.as_dict(),
                "images": images,
                "accuracy_held_out": {"plain": plain, "composites": swapped},
                "thresholds": thresholds,
                "test": {name: asdict(value) for name, value in found.items()},
            }


def halvings(one: Scores) -> Iterator[tuple[Scores, tuple[Scored, Scored]]]:
    """Yield the scores of one half of the validation patients, and the images of the other half."""
    patients = np.unique(one.plain.patient)
    for draw in range(HALVINGS):
        half = generator("halvings", draw).permutation(patients)[: len(patients) // 2]
        kept = {name: np.isin(getattr(one, name).patient, half) for name in ("plain", "composites")}
        chooses = Scores(
            one.plain.where(kept["plain"]), one.composites.where(kept["composites"]), one.test
        )
        judged = (
            one.plain.where(~kept["plain"]),
            one.composites.where(~kept["composites"]),
        )
        yield chooses, judged


def best(rule: Rule, images: Scored) -> float:
    return choose_threshold(images.truth, images.probability, rule)


def accuracy(images: Scored, threshold: float) -> float:
    return float(np.mean((images.probability >= threshold) == images.truth))


def decided(images: Scored, threshold: float) -> dict[str, Any]:
    """Return the columns of which `mean_over_seeds` counts."""
    return {
        "patient": images.patient.tolist(),
        "truth": images.truth.astype(int).tolist(),
        "probability": images.probability.tolist(),
        "decided": (images.probability >= threshold).astype(int).tolist(),
    }


def judge_calibrations(scores: list[Scores]) -> Iterator[dict[str, Any]]:
    """Yield the log loss of each scaling, on images that it was not fitted to."""
    yield {"method": "none", **log_losses(scores, None, "plain")}
    for images in ("plain", "composites"):
        for method in METHODS:
            yield {"method": method, "images": images, **log_losses(scores, method, images)}


def log_losses(scores: list[Scores], method: str | None, images: str) -> dict[str, float]:
    held_out, tested = [], []
    for one in scores:
        for chooses, judged in halvings(one):
            scaling = fitted(method, getattr(chooses, images))
            held_out.append([loss(scaling, part) for part in judged])
        tested.append(loss(fitted(method, getattr(one, images)), one.test))
    plain, swapped = np.mean(held_out, axis=0)
    return {"plain": plain, "composites": swapped, "test": mean(tested)}


def fitted(method: str | None, images: Scored) -> Scaling:
    if method is None:
        return unscaled(2)
    return fit_scaling(logits(images), images.truth.astype(int), method)


def logits(images: Scored) -> np.ndarray:
    return np.stack([-images.score / 2, images.score / 2], axis=1)


def loss(scaling: Scaling, images: Scored) -> float:
    scaled = scaling(logits(images))
    return float(log_loss(images.truth, expit(scaled[:, 1] - scaled[:, 0])))


def judge_mirrored(scores: list[Scores]) -> dict[str, dict[str, float]]:
    """Return the mean AUC of images, and of the mean of their logits and their mirror images'."""
    return {
        name: {
            "alone": mean(auc(part.truth, part.score) for part in parts),
            "with_mirror_image": mean(
                auc(part.truth, part.score + part.mirrored) for part in parts
            ),
        }
        for name, parts in (
            ("composites", [one.composites for one in scores]),
            ("test", [one.test for one in scores]),
        )
    }


def judge_ensemble(scores: list[Scores]) -> dict[str, float]:
    """Return the AUC of the runs' mean logits on the test images, and the mean of their AUCs."""
    truth = scores[0].test.truth
    found = np.array([one.test.score for one in scores])
    return {
        "mean_of_runs": mean(auc(truth, one) for one in found),
        "ensemble": auc(truth, found.mean(axis=0)),
    }


def auc(truth: np.ndarray, score: np.ndarray) -> float:
    return float(roc_auc_score(truth, score))


if __name__ == "__main__":
    main()
