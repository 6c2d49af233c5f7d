"""How often the 95 % intervals hold the truth, in simulated test parts: results/coverage.json.

A test part is of patients with one image each, or with three that are alike (an intraclass
correlation of 0.5 on the scale of the scores). A score is normal, with mean d for positive and -d
for negative images, and the probability is what Bayes' rule makes of the score, or more confident
than that. At d = 1.64, 2.33 and 5 sensitivity and specificity are 0.95, 0.99 and 1.000. The true
value of each metric is that of a million images, and the best threshold that of the two normals.

Run: python benchmarks/studies/coverage.py
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from dlmath.evaluation.calibration import equal_mass_bins
from dlmath.evaluation.intervals import Sample, measure_metrics
from dlmath.evaluation.metric_table import names_of
from dlmath.evaluation.metrics import binary_metrics
from dlmath.evaluation.operating_points import measure_operating_points, point_statistics
from dlmath.evaluation.prevalence import at_prevalence, prevalence_metrics
from dlmath.evaluation.threshold import RULES, Rule, threshold_interval
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.seeds import generator
from dlmath.stats.bootstrap import REPLICATES

RESULT = Path(__file__).parents[1] / "results" / "coverage.json"
TRUE_IMAGES = 1_000_000
RULE = DecisionRule(("NORMAL", "PNEUMONIA"), 224, "PNEUMONIA", Threshold(0.5, "validation"))
OTHER_PREVALENCE = 0.05
MOVED = names_of("decision", moving=True)
AT_PREVALENCE = tuple(f"{name} at a prevalence of {OTHER_PREVALENCE}" for name in MOVED)
MISS_COST = 5.0


@dataclass(frozen=True)
class Setting:
    """What is drawn: patients, their images, and how far apart and how sure their scores are."""

    patients: int
    per_patient: int = 1
    distance: float = 1.0
    confidence: float = 1.0  # log-odds are multiplied by it; 1 is calibrated
    prevalence: float = 0.6


SETTINGS = {
    "300 patients, one image each": Setting(300),
    "100 patients, three images each": Setting(100, 3),
    "300 images, twice too confident": Setting(300, confidence=2.0),
    "20 images at 0.95": Setting(20, distance=1.645, prevalence=0.5),
    "50 images at 0.95": Setting(50, distance=1.645, prevalence=0.5),
    "100 images at 0.95": Setting(100, distance=1.645, prevalence=0.5),
    "20 images at 0.99": Setting(20, distance=2.326, prevalence=0.5),
    "100 images at 0.99": Setting(100, distance=2.326, prevalence=0.5),
    "100 images at 1.00": Setting(100, distance=5.0, prevalence=0.5),
    "40 images near 1": Setting(40, distance=2.0, prevalence=0.5),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=400)
    simulations = parser.parse_args().simulations
    result = {"simulations": simulations, "replicates": REPLICATES, "coverage": {}}
    for name, setting in SETTINGS.items():
        result["coverage"][name] = coverage(setting, simulations)
        RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        print(name)
        for metric, share in result["coverage"][name].items():
            print(f"  {metric:45} {share if share is None else format(share, '6.1%')}", flush=True)


def coverage(
    setting: Setting, simulations: int, replicates: int = REPLICATES
) -> dict[str, float | None]:
    """Return the share of the intervals that hold the true value; None where there is none."""
    truth = true_values(setting)
    held: dict[str, list[bool]] = {name: [] for name in truth}
    for number in range(simulations):
        sample = draw(setting, number)
        for name, (low, high) in intervals(sample, number, replicates).items():
            slack = 1e-9  # the truth at an end of its scale
            held[name].append(low - slack <= truth[name] <= high + slack)
    return {name: float(np.mean(found)) if found else None for name, found in held.items()}


def intervals(sample: Sample, number: int, replicates: int) -> dict[str, tuple[float, float]]:
    """Return all intervals that a sample has, by the names of `true_values`."""
    if len(np.unique(sample.truth)) < 2:
        return {}
    measured = measure_metrics(sample, generator("replicates", number), replicates)
    positive, score = sample.truth == 1, sample.probabilities[:, 1]
    points = measure_operating_points(positive, score, sample.clusters, generator("points", number))
    moved = prevalence_metrics(sample, OTHER_PREVALENCE, positive.mean(), number)["metrics"]
    figures = {name: (one.low, one.high) for name, one in {**measured.metrics, **points}.items()}
    figures |= {
        label: (moved[name]["low"], moved[name]["high"])
        for label, name in zip(AT_PREVALENCE, MOVED, strict=True)
    }
    for rule in RULES:
        ends = threshold_interval(
            positive, score, Rule(rule, 0.9, MISS_COST), list(map(str, sample.clusters)), number
        )
        figures[f"threshold by {rule}"] = ends or (None, None)
    return {name: ends for name, ends in figures.items() if ends[0] is not None}


def true_values(setting: Setting) -> dict[str, float]:
    many = Setting(
        TRUE_IMAGES // setting.per_patient,
        setting.per_patient,
        setting.distance,
        setting.confidence,
        setting.prevalence,
    )
    sample, ones = (
        draw(many, -1),
        np.ones((1, TRUE_IMAGES // setting.per_patient * setting.per_patient)),
    )
    positive, score = sample.truth == 1, sample.probabilities[:, 1]

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        return binary_metrics(positive, score, 0.5, weights)

    found = {name: float(value[0]) for name, value in metrics(ones).items()}
    found["ece"] = true_calibration_error(setting, score)
    found |= {
        name: float(value[0]) for name, value in point_statistics(positive, score)(ones).items()
    }
    moved = at_prevalence(metrics, positive, OTHER_PREVALENCE)(ones)
    found |= {
        label: float(moved[name][0]) for label, name in zip(AT_PREVALENCE, MOVED, strict=True)
    }
    return found | {f"threshold by {rule}": best_threshold(setting, rule) for rule in RULES}


def true_calibration_error(setting: Setting, score: np.ndarray) -> float:
    """Return the error in as many bins as a sample of the setting has."""
    images = setting.patients * setting.per_patient
    number = equal_mass_bins(np.arange(images) / images).shape[1]
    calibrated = expit(np.log(score / (1 - score)) / setting.confidence)
    return float(np.abs((calibrated - score) @ equal_mass_bins(score, number)).sum() / len(score))


def best_threshold(setting: Setting, rule: str) -> float:
    scores = np.linspace(-8, 8, 160_001)
    missed, rejected = norm.cdf(scores - setting.distance), norm.cdf(scores + setting.distance)
    ill, well = setting.prevalence, 1 - setting.prevalence
    gain = {
        "youden": rejected - missed,
        "accuracy": well * rejected - ill * missed,
        "costs": well * rejected - MISS_COST * ill * missed,
        "sensitivity": np.where(1 - missed >= 0.9, scores, -np.inf),
        "specificity": np.where(rejected >= 0.9, -scores, -np.inf),
    }[rule]
    return float(probability(setting, scores[np.argmax(gain)]))


def probability(setting: Setting, score: np.ndarray) -> np.ndarray:
    odds = np.log(setting.prevalence / (1 - setting.prevalence)) + 2 * setting.distance * score
    return expit(setting.confidence * odds)


def draw(setting: Setting, number: int) -> Sample:
    """Draw patients of one class each, whose images share half the variance of their scores."""
    per_patient = setting.per_patient
    random = generator("coverage", per_patient, number)
    truth = np.repeat(
        (random.random(setting.patients) < setting.prevalence).astype(int), per_patient
    )
    shared = np.repeat(random.normal(size=setting.patients), per_patient)
    own = random.normal(size=len(truth))
    noise = own if per_patient == 1 else np.sqrt(0.5) * (shared + own)
    claimed = probability(setting, setting.distance * (2 * truth - 1) + noise)
    clusters = np.repeat(np.arange(setting.patients), per_patient)
    return Sample(RULE, truth, np.column_stack([1 - claimed, claimed]), clusters)


if __name__ == "__main__":
    main()
