"""How often the interval of the prevalence, as `dlmath drift` gives it, holds the true one.

Scores are drawn: log-odds are normal in either class, two standard deviations on either side of 0,
half of their variance being that of the patient; of a patient there are one image or more, 1.75 on
average, as in the validation part of the chest X-rays. The reference has 400 patients, 72 % of them
ill. What is counted is how many of several intervals hold the share that the new images were drawn
with, once with their patients known, as those of files are, and once without, as for a server.

    python benchmarks/studies/prevalence_coverage.py

An experiment on the method. Writes `benchmarks/results/prevalence_coverage.json`.
"""

import json
from pathlib import Path

import numpy as np

from dlmath.drift.prevalence import interval
from dlmath.drift.samples import Sample
from dlmath.drift.sketch import Layout, Sketch
from dlmath.inference.decision_rule import DecisionRule
from dlmath.seeds import generator
from dlmath.stats.proportions import clopper_pearson

RESULT = Path(__file__).parents[1] / "results" / "prevalence_coverage.json"
REPEATS = 200
SHARES = (0.02, 0.1, 0.4, 0.7)
PATIENTS = (50, 200)
LAYOUT = Layout(0, 1, 0)
SKETCH = Sketch(DecisionRule(("healthy", "ill"), 8, "ill", None), LAYOUT)


def main() -> None:
    cells = [
        {"share": share, "patients": patients, "known": known, **covered(share, patients, known)}
        for known in (True, False)
        for patients in PATIENTS
        for share in SHARES
    ]
    result = {"command": "python benchmarks/studies/prevalence_coverage.py", "cells": cells}
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


def covered(share: float, patients: int, known: bool) -> dict:
    """Count the intervals that hold the share."""
    held, widths = 0, []
    for repeat in range(REPEATS):
        rng = generator("prevalence", patients, round(100 * share), repeat)
        ill = rng.random(400) < 0.72
        classes = drawn(rng, ill[~ill]), drawn(rng, ill[ill])
        new = drawn(rng, rng.random(patients) < share)
        low, high = interval(LAYOUT, classes, new, patients if known else None, rng)
        held += low <= share <= high
        widths.append(high - low)
    ends = clopper_pearson(held / REPEATS, REPEATS)
    return {
        "held": held,
        "of": REPEATS,
        "low": ends.low,
        "high": ends.high,
        "mean_width": float(np.mean(widths)),
    }


def drawn(rng: np.random.Generator, ill: np.ndarray) -> Sample:
    """Draw the scores of so many patients, (P,) bool."""
    images = rng.geometric(1 / 1.75, len(ill))
    patients = np.repeat(np.arange(len(ill)), images)
    noise = rng.normal(size=len(ill))[patients] + rng.normal(size=len(patients))
    odds = np.where(ill[patients], 2, -2) + noise / np.sqrt(2)
    p = 1 / (1 + np.exp(-odds))
    none = np.zeros((len(p), 0))
    return Sample.of(SKETCH.rows(none, np.column_stack([1 - p, p]), None, none), patients)


if __name__ == "__main__":
    main()
