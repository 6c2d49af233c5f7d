"""Abstaining: from unsure images, and from images unlike those trained on, on real chest X-rays.

    python benchmarks/studies/abstention.py ../shared/data

A run is trained on the children's X-rays (the head of EfficientNet-Lite0), and chooses on its
validation part when an answer is not to be relied on: the least confidence and the greatest
out-of-distribution score that its manifest holds. `dlmath.predict` then answers for the official
test part (children, 308 of its 624 images) and for 500 X-rays of adults of another hospital. Those
differ in device and file format too, so the AUROC is of telling another source, not of telling an
adult. As a control the distance is asked to tell test children from validation children.

Writes `benchmarks/results/abstention.json`.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import dlmath
from dlmath.cli.progress import reporter
from dlmath.data.run_data import RunData
from dlmath.data.sources import ImageRecord, read_sources
from dlmath.evaluation.selective_metrics import measure_selective
from dlmath.inference import Prediction
from dlmath.inference.columns import number_or_none
from dlmath.inference.decision_rule import DecisionRule
from dlmath.inference.run_files import ood_record, stored_decision
from dlmath.models import other_recipe
from dlmath.runs import Run
from dlmath.stats import auc_with_interval
from dlmath.stats.auc_interval import AucInterval
from dlmath.stats.bootstrap import cluster_indices
from dlmath.stats.proportions import Share, share_of_images

RESULT = Path(__file__).parents[1] / "results" / "abstention.json"
ADULT_PATIENT = r"^(?P<patient>\d{8})"


@dataclass(frozen=True, eq=False)
class Group:
    """Images with what the run says of them.

    Attributes:
        positive: (N,) bool, the truth.
        wrong: (N,) bool, decided wrongly.
        score: (N,), probability of the positive class.
        confidence: (N,).
        ood_score: (N,).
        unsure: (N,) bool.
        out_of_distribution: (N,) bool.
        clusters: (N,) indices of the patients.
    """

    positive: np.ndarray
    wrong: np.ndarray
    score: np.ndarray
    confidence: np.ndarray
    ood_score: np.ndarray
    unsure: np.ndarray
    out_of_distribution: np.ndarray
    clusters: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/ and external/")
    data = parser.parse_args().data
    with reporter() as report, tempfile.TemporaryDirectory() as folder:
        recipe = other_recipe("pneumonia", "paper").replace(
            backbone="efficientnet_lite0", weights="imagenet", tune="head"
        )
        run = dlmath.train(recipe, data / "chest_xray", out=Path(folder) / "run", reporter=report)
        groups = {
            name: answered(run, examples)
            for name, examples in images_of(run, data / "external").items()
        }
        result = measured(run, groups)
    text = json.dumps(result, indent=2) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)


def images_of(run: Run, external: Path) -> dict[str, Sequence[ImageRecord]]:
    """Return the images of the three groups, with their patients."""
    recipe = run.recipe
    children = RunData(run)
    adults = read_sources([external], classes=recipe.classes, patient_rules=[ADULT_PATIENT])
    return {
        "validation children": children.part("validation"),
        "test children": children.part("test"),
        "adults": adults.examples,
    }


def answered(run: Run, examples: Sequence[ImageRecord]) -> Group:
    """Ask the run, as `dlmath predict` does."""
    predictions = dlmath.predict(run, [example.path for example in examples])
    limits = DecisionRule(**stored_decision(run))
    probabilities = np.array([probabilities_of(one, limits) for one in predictions])
    index = limits.positive_index
    truth = np.array([limits.classes.index(example.label) for example in examples])
    confidence = limits.confidence(probabilities)
    return Group(
        positive=truth == index,
        wrong=limits.decide(probabilities) != truth,
        score=probabilities[:, index],
        confidence=confidence,
        ood_score=np.array([one.ood_score for one in predictions]),
        unsure=confidence < limits.abstention.confidence,
        out_of_distribution=np.array([one.out_of_distribution for one in predictions]),
        clusters=cluster_indices([example.patient for example in examples]),
    )


def probabilities_of(prediction: Prediction, limits: DecisionRule) -> list[float]:
    if prediction.probabilities is None:
        raise SystemExit(prediction.error)
    return [prediction.probabilities[name] for name in limits.classes]


def measured(run: Run, groups: dict[str, Group]) -> dict:
    manifest, validation = run.manifest, groups["validation children"]
    adults, test = groups["adults"], groups["test children"]
    return {
        "command": "python benchmarks/studies/abstention.py DATA",
        "images": {name: len(one.score) for name, one in groups.items()},
        "threshold": manifest["threshold"]["value"],
        "chosen_on_validation": {
            "abstention": manifest["abstention"],
            "distance": {
                name: value for name, value in ood_record(run).items() if name != "sha256"
            },
            "file_bytes": run.light_ood_path.stat().st_size,
        },
        "distance_auroc": {
            "adults": auroc(test, adults, test.ood_score, adults.ood_score),
            "test children": auroc(validation, test, validation.ood_score, test.ood_score),
        },
        "confidence_auroc": auroc(test, adults, -test.confidence, -adults.confidence),
        "groups": {name: of_group(one) for name, one in groups.items() if one is not validation},
    }


def auroc(inside: Group, outside: Group, near: np.ndarray, far: np.ndarray) -> dict:
    """Return the AUROC of telling the group outside by its greater scores, by patient."""
    found = auc_with_interval(
        np.repeat([False, True], [len(near), len(far)]),
        np.concatenate([near, far]),
        np.concatenate([inside.clusters, outside.clusters + inside.clusters.max() + 1]),
    )
    return as_numbers(found)


def as_numbers(figure: Share | AucInterval | None) -> dict[str, float | None]:
    """Return a figure for JSON, which has no number for what is undefined."""
    named = figure._asdict() if figure else dict.fromkeys(("value", "low", "high"), np.nan)
    return {name: number_or_none(end) for name, end in named.items()}


def of_group(one: Group) -> dict:
    """Return what abstaining for each reason does: who is answered, and how rightly."""
    nobody = np.zeros_like(one.unsure)
    reasons = {
        "none": nobody,
        "unusual": one.out_of_distribution,
        "unsure": one.unsure,
        "either": one.out_of_distribution | one.unsure,
    }
    figures = measure_selective(
        one.wrong,
        one.confidence,
        one.clusters,
        abstains=nobody,
        out_of_distribution=one.out_of_distribution,
        seed=0,
    )
    return {
        "abstaining": {name: abstaining(one, abstains) for name, abstains in reasons.items()},
        **{name: figures[name] for name in ("unusual", "area", "curve")},
    }


def abstaining(one: Group, abstains: np.ndarray) -> dict:
    rows = np.flatnonzero(~abstains)
    clusters = np.unique(one.clusters[rows], return_inverse=True)[1]
    right = share_of_images(~one.wrong[rows], np.ones(len(rows), bool), clusters)
    auc = auc_with_interval(one.positive[rows], one.score[rows], clusters)
    return {
        "answered": len(rows),
        "coverage": as_numbers(share_of_images(~abstains, np.ones_like(abstains), one.clusters)),
        "accuracy": as_numbers(right),
        "auc": as_numbers(auc),
    }


if __name__ == "__main__":
    main()
