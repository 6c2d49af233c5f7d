"""The mean of a metric over runs that differ in their seed, with an interval by patient."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlmath.evaluation.metrics import binary_statistics
from dlmath.seeds import generator
from dlmath.stats.bootstrap import Estimate, cluster_indices, estimate

METRICS = ("auc", "accuracy", "sensitivity", "specificity")


def mean_over_seeds(runs: Sequence[dict[str, Any]]) -> dict[str, Estimate]:
    """Return the mean metrics of runs that tested the same patients, with intervals by patient.

    A replicate draws whole patients, and takes their images from every run: what is left out is
    the chance of the seeds, which the range shows.

    Args:
        runs: Results of `main_results.py`, with their predictions.
    """
    tables = [run["predictions"] for run in runs]
    patients = [patient for table in tables for patient in table["patient"]]
    clusters = cluster_indices(patients)
    sizes = [len(table["patient"]) for table in tables]
    places = np.split(np.arange(len(patients)), np.cumsum(sizes)[:-1])
    of_scores, of_decisions = (
        [
            binary_statistics(np.array(table["truth"], bool), np.array(table[column], float), 0.5)
            for table in tables
        ]
        for column in ("probability", "decided")
    )

    def means(weights: np.ndarray) -> dict[str, np.ndarray]:
        ranked, decided = (
            [measure(weights[:, place]) for measure, place in zip(each, places, strict=True)]
            for each in (of_scores, of_decisions)
        )
        return {
            name: np.mean([one[name] for one in (ranked if name == "auc" else decided)], axis=0)
            for name in METRICS
        }

    return estimate(means, clusters, generator(0, "mean over seeds"))[0]
