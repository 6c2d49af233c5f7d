"""Abstaining: from unsure images, and from images unlike those trained on, on real chest X-rays.

    python benchmarks/abstention.py ../shared/data

The head of frozen EfficientNet-Lite0 features is solved for on the children's X-rays. All limits
are chosen on its validation part: the confidence of 90 % of its images, and the distance in feature
space that 95 % of them keep to. They are then held against the official test part (children, 308 of
its 624 images) and against 500 X-rays of adults of another hospital. Those differ in device and
file format too, so the AUROC is of telling another source, not of telling an adult. As a control
the distance is asked to tell test children from validation children.

Writes `benchmarks/results/abstention.json`.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.special import softmax

from dlmath.cli.progress import reporter
from dlmath.convex import auc_with_interval
from dlmath.data.sources import Example, read_sources
from dlmath.evaluation.bootstrap import cluster_indices, estimate
from dlmath.evaluation.feature_distance import Mahalanobis, NearestNeighbours, distance_limit
from dlmath.evaluation.proportions import share_of_images
from dlmath.evaluation.selective import (
    abstain_at_coverage,
    binary_confidence,
    risk_coverage,
    selective_metrics,
)
from dlmath.features import Features, load_features
from dlmath.models import RECIPES
from dlmath.recipe import Recipe
from dlmath.seeds import generator
from dlmath.training import solved_head, validation
from dlmath.training.devices import pin_threads, place
from dlmath.training.ingredients import class_indices
from dlmath.training.prepare import Request, prepare
from dlmath.training.solved_head import patients_of

RESULT = Path(__file__).parent / "results" / "abstention.json"
ADULT_PATIENT = r"^(?P<patient>\d{8})"
COVERAGE = 0.9
SHOWN = np.linspace(0.1, 1, 10)  # coverages of the curve that are written

Distance = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Group:
    """Images with what the head says of them."""

    features: np.ndarray
    positive: np.ndarray
    score: np.ndarray
    clusters: np.ndarray
    threshold: float

    @property
    def wrong(self) -> np.ndarray:
        return (self.score >= self.threshold) != self.positive

    @property
    def confidence(self) -> np.ndarray:
        return binary_confidence(self.score, self.threshold)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/ and external/")
    data = parser.parse_args().data
    pin_threads()
    recipe = RECIPES["pneumonia"].replace(
        backbone="efficientnet_lite0", weights="imagenet", tune="head"
    )
    with reporter() as report:
        prepared = prepare(Request(recipe, [data / "chest_xray"]), report)
        ingredients = solved_head.gather(prepared, place(), report)
        adult_images = read_sources(
            [data / "external"],
            classes=ingredients.recipe.classes,
            patient_rules=[ADULT_PATIENT],
        ).examples

        def features_of(examples: tuple[Example, ...]) -> Features:
            return load_features(
                examples,
                ingredients.network,
                progress=lambda done, total, rate: report.progress("features", done, total),
            )

        test, adults = features_of(prepared.split.test), features_of(adult_images)
        head = solved_head.fit(ingredients, report, None)
    recipe, train, held_out = ingredients.recipe, ingredients.train, ingredients.validation
    decision = validation.decide(
        softmax(head.logits(held_out.array), axis=1),
        class_indices(held_out.examples, recipe),
        [example.patient for example in held_out.examples],
        recipe,
    )

    def group(features: Features) -> Group:
        return described(features, head.logits(features.array), recipe, decision["value"])

    groups = {
        "validation children": group(held_out),
        "test children": group(test),
        "adults": group(adults),
    }
    distances = {
        "mahalanobis": Mahalanobis.fit(train.array, class_indices(train.examples, recipe)),
        "nearest_neighbours": NearestNeighbours.fit(train.array),
    }
    result = {
        "command": "python benchmarks/abstention.py DATA",
        "images": {name: len(one.score) for name, one in groups.items()},
        "threshold": decision["value"],
        "out_of_distribution": {
            name: out_of_distribution(distance, groups) for name, distance in distances.items()
        },
        "confidence_auroc": auroc(
            groups,
            {name: -one.confidence for name, one in groups.items()},
            "test children",
            "adults",
        ),
        "unsure": by_confidence(groups),
        "risk_over_coverage": {name: curve(groups[name]) for name in ("test children", "adults")},
    }
    text = json.dumps(result, indent=2) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)


def described(features: Features, logits: np.ndarray, recipe: Recipe, threshold: float) -> Group:
    positive = recipe.classes.index(recipe.positive_class)
    return Group(
        features.array,
        class_indices(features.examples, recipe) == positive,
        softmax(logits, axis=1)[:, positive],
        cluster_indices(patients_of(features.examples)),
        threshold,
    )


def out_of_distribution(distance: Distance, groups: dict[str, Group]) -> dict:
    """Tell the adults by a distance, and abstain beyond the limit that validation sets."""
    of_group = {name: distance(one.features) for name, one in groups.items()}
    limit = distance_limit(of_group["validation children"])
    return {
        "auroc_adults": auroc(groups, of_group, "test children", "adults"),
        "auroc_test_children": auroc(groups, of_group, "validation children", "test children"),
        "limit": limit,
        **{
            name: answered_figures(one, of_group[name] <= limit)
            for name, one in groups.items()
            if name != "validation children"
        },
    }


def auroc(
    groups: dict[str, Group], scores: dict[str, np.ndarray], inside: str, outside: str
) -> dict:
    """Return the AUROC of telling the group outside from that inside, by patient."""
    clusters = groups[inside].clusters, groups[outside].clusters
    found = auc_with_interval(
        np.repeat([False, True], [len(scores[inside]), len(scores[outside])]),
        np.concatenate([scores[inside], scores[outside]]),
        np.concatenate([clusters[0], clusters[1] + clusters[0].max() + 1]),
    )
    return {name: float(end) for name, end in found._asdict().items()}


def by_confidence(groups: dict[str, Group]) -> dict:
    chosen = groups["validation children"]
    rule = abstain_at_coverage(chosen.wrong, chosen.confidence, COVERAGE)
    return {
        "chosen_on_validation": asdict(rule),
        **{
            name: answered_figures(one, one.confidence >= rule.confidence)
            for name, one in groups.items()
            if one is not chosen
        },
    }


def answered_figures(one: Group, answered: np.ndarray) -> dict:
    """Return coverage and risk with intervals, and the figures of all, answered and refused."""
    selected, _ = estimate(
        lambda weights: selective_metrics(one.wrong, answered, weights),
        one.clusters,
        generator("abstention"),
    )
    parts = {"all": np.ones_like(answered), "answered": answered, "refused": ~answered}
    return {
        **{name: asdict(figure) for name, figure in selected.items()},
        **{name: figures(one, rows) for name, rows in parts.items()},
    }


def figures(one: Group, rows: np.ndarray) -> dict:
    """Return accuracy and AUC of some of the images with their intervals."""
    if not rows.any():
        return {"images": 0}
    clusters = np.unique(one.clusters[rows], return_inverse=True)[1]
    right = share_of_images(~one.wrong[rows], np.ones(len(clusters), bool), clusters)
    auc = auc_with_interval(one.positive[rows], one.score[rows], clusters)
    found = {"accuracy": right._asdict(), "auc": auc._asdict()}
    return {"images": int(rows.sum())} | {
        name: {key: _number(end) for key, end in figure.items()} for name, figure in found.items()
    }


def _number(value: float) -> float | None:
    """Return a number for JSON, which has none for what is undefined."""
    return None if np.isnan(value) else float(value)


def curve(one: Group) -> dict:
    found = risk_coverage(one.wrong, one.confidence)
    at = np.searchsorted(found.coverage, SHOWN - 1e-12)
    return {
        "area": found.area,
        "points": [
            {"coverage": float(found.coverage[row]), "risk": float(found.risk[row])} for row in at
        ],
    }


if __name__ == "__main__":
    main()
