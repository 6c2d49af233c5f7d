"""How often the 95 % intervals hold the truth, in simulated test parts: results/coverage.json.

A test part is 300 images: of 300 patients, or of 100 patients with three images each that are
alike (an intraclass correlation of 0.5 on the scale of the scores). A score is normal, with mean 1
for positive and -1 for negative images, and the probability is what Bayes' rule makes of the
score. The true value of each metric is that of a million images.

Run: python benchmarks/coverage.py
"""

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.special import expit

from dlmath.evaluation.bootstrap import REPLICATES
from dlmath.evaluation.intervals import Sample, measure_metrics
from dlmath.evaluation.metrics import METRICS, binary_metrics
from dlmath.light.decider import Decider, Threshold
from dlmath.seeds import generator

RESULT = Path(__file__).parent / "results" / "coverage.json"
IMAGES = 300
SETTINGS = {"300 patients, one image each": 1, "100 patients, three images each": 3}
TRUE_IMAGES = 1_000_000
PREVALENCE = 0.6
DISTANCE = 1.0  # of a class's mean score from 0
DECIDER = Decider(("NORMAL", "PNEUMONIA"), 224, "PNEUMONIA", Threshold(0.5, "validation"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=500)
    simulations = parser.parse_args().simulations
    result = {
        "images": IMAGES,
        "simulations": simulations,
        "replicates": REPLICATES,
        "coverage": {name: coverage(each, simulations) for name, each in SETTINGS.items()},
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for name, shares in result["coverage"].items():
        print(name)
        for metric, share in shares.items():
            print(f"  {metric:20} {share:6.1%}")


def coverage(per_patient: int, simulations: int, replicates: int = REPLICATES) -> dict[str, float]:
    """Return for each metric the share of the simulations whose interval holds its true value."""
    truth = true_values(per_patient)
    held = dict.fromkeys(METRICS, 0)
    for number in range(simulations):
        sample = draw(IMAGES // per_patient, per_patient, number)
        drawn = generator("replicates", per_patient, number)
        measured = measure_metrics(sample, drawn, replicates)
        for name, figure in measured.metrics.items():
            held[name] += figure.low <= truth[name] <= figure.high
    return {name: count / simulations for name, count in held.items()}


def true_values(per_patient: int) -> dict[str, float]:
    sample = draw(TRUE_IMAGES // per_patient, per_patient, -1)
    weights = np.ones((1, len(sample.truth)))
    metrics = binary_metrics(sample.truth, sample.probabilities[:, 1], 0.5, weights)
    return {name: float(value[0]) for name, value in metrics.items()}


def draw(patients: int, per_patient: int, number: int) -> Sample:
    """Draw patients of one class each, whose images share half the variance of their scores."""
    random = generator("coverage", per_patient, number)
    truth = np.repeat((random.random(patients) < PREVALENCE).astype(int), per_patient)
    shared = np.repeat(random.normal(size=patients), per_patient)
    own = random.normal(size=len(truth))
    noise = own if per_patient == 1 else np.sqrt(0.5) * (shared + own)
    score = DISTANCE * (2 * truth - 1) + noise
    odds = np.log(PREVALENCE / (1 - PREVALENCE)) + 2 * DISTANCE * score
    probability = expit(odds)
    clusters = np.repeat(np.arange(patients), per_patient)
    return Sample(DECIDER, truth, np.column_stack([1 - probability, probability]), clusters)


if __name__ == "__main__":
    main()
