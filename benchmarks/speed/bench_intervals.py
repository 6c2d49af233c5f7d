"""Seconds for all metrics with intervals, against a loop over scikit-learn.

10,000 predictions, 2,000 replicates, of 150 and of 10,000 patients. The loop draws the same
patients and computes the 12 metrics that scikit-learn has; it runs 20 replicates and is scaled up.
Run: python benchmarks/speed/bench_intervals.py
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import sklearn.metrics as sk
from scipy.special import expit

from dlmath.evaluation.intervals import Sample, measure_metrics
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.seeds import generator
from dlmath.stats.bootstrap import REPLICATES

RESULT = Path(__file__).parents[1] / "results" / "intervals.json"
IMAGES = 10_000
PATIENTS = (150, 10_000)
LOOPED = 20
REPEATS = 3
RULE = DecisionRule(("NORMAL", "PNEUMONIA"), 224, "PNEUMONIA", Threshold(0.5, "validation"))


def main() -> None:
    result = {str(patients): compare(patients) for patients in PATIENTS}
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for patients, row in result.items():
        print(
            f"{IMAGES:,} predictions of {int(patients):,} patients, {REPLICATES:,} replicates: "
            f"{row['seconds']:.1f} s (slowest {row['slowest']:.1f}); a loop over scikit-learn "
            f"{row['loop_seconds']:.0f} s, {row['ratio']:.0f} times as long"
        )


def compare(patients: int) -> dict[str, Any]:
    sample = draw(patients)
    ours, loops = [], []
    for _ in range(REPEATS):  # in turn, so that another program on the machine slows both
        ours.append(timed(lambda: measure_metrics(sample, generator("bench"))))
        loops.append(timed(lambda: loop(sample)) * REPLICATES / LOOPED)
    pairs = zip(loops, ours, strict=True)
    return {
        "images": IMAGES,
        "replicates": REPLICATES,
        "seconds": float(np.median(ours)),
        "slowest": max(ours),
        "loop_seconds": float(np.median(loops)),
        "ratio": float(np.median([theirs / our for theirs, our in pairs])),
    }


def timed(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def draw(patients: int) -> Sample:
    random = generator("bench", patients)
    truth = random.integers(0, 2, IMAGES)
    probability = expit(2 * (2 * truth - 1 + random.normal(size=IMAGES)))
    clusters = np.arange(IMAGES) * patients // IMAGES
    return Sample(RULE, truth, np.column_stack([1 - probability, probability]), clusters)


def loop(sample: Sample) -> list[list[float]]:
    random = np.random.default_rng(0)
    patients = int(sample.clusters.max()) + 1
    images_of = np.split(np.arange(IMAGES), np.flatnonzero(np.diff(sample.clusters)) + 1)
    return [
        by_scikit_learn(sample, np.concatenate([images_of[p] for p in drawn]))
        for drawn in random.integers(patients, size=(LOOPED, patients))
    ]


def by_scikit_learn(sample: Sample, drawn: np.ndarray) -> list[float]:
    truth, probability = sample.truth[drawn], sample.probabilities[drawn, 1]
    decision = (probability >= 0.5).astype(int)
    return [
        sk.accuracy_score(truth, decision),
        sk.balanced_accuracy_score(truth, decision),
        sk.roc_auc_score(truth, probability),
        sk.average_precision_score(truth, probability),
        sk.recall_score(truth, decision),
        sk.recall_score(truth, decision, pos_label=0),
        sk.precision_score(truth, decision),
        sk.precision_score(truth, decision, pos_label=0),
        sk.f1_score(truth, decision),
        sk.matthews_corrcoef(truth, decision),
        sk.brier_score_loss(truth, probability),
        sk.log_loss(truth, probability),
    ]


if __name__ == "__main__":
    main()
