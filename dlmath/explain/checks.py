"""Measure a map: the cheap metrics always, the slow ones when asked for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from dlmath.explain.cascading_randomization import sanity, sanity_metric
from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.contrast import contrast_metric
from dlmath.explain.deletion import deletion_metric, insertion_metric
from dlmath.explain.energy import energy_metric, truth_of
from dlmath.explain.heat_map import HeatMap
from dlmath.explain.map_metric import MapMetric
from dlmath.explain.methods import QUICK
from dlmath.names import folded


def cheap_metrics(heat_map: HeatMap, file: Path, class_name: str) -> tuple[MapMetric, ...]:
    """Return what costs no further call of the network.

    The completeness of integrated gradients, and on a phantom the energy inside the finding: that
    of the class in whose folder it lies, for nothing drawn there speaks for another.
    """
    metrics = []
    if "residual" in heat_map.metrics:
        metrics.append(_completeness(heat_map))
    if folded(class_name) == folded(file.resolve().parent.name):
        truth = truth_of(file, len(heat_map.values))
        if truth is not None:
            metrics.append(energy_metric(heat_map, truth))
    return tuple(metrics)


Measure = Callable[[ClassifierParts, str, np.ndarray, int, HeatMap], tuple[MapMetric, ...]]


def slow_metrics(
    parts: ClassifierParts, method: str, image: np.ndarray, index: int, heat_map: HeatMap
) -> tuple[MapMetric, ...]:
    """Return what asks the network again: deletion, insertion, the other class, random weights.

    `method` names what made the map.
    """
    given = (parts, image, index, heat_map)
    return (
        deletion_metric(*given),
        insertion_metric(*given),
        contrast_metric(parts, QUICK[method], image, index, heat_map),
        sanity_metric(sanity(parts, QUICK[method], image, index)),
    )


def report_metrics(
    parts: ClassifierParts, method: str, image: np.ndarray, index: int, heat_map: HeatMap
) -> tuple[MapMetric, ...]:
    """Return what a report has the time for: a seventh of the questions of `slow_metrics`."""
    return (
        deletion_metric(parts, image, index, heat_map, steps=4, random_maps=2),
        contrast_metric(parts, QUICK[method], image, index, heat_map),
        sanity_metric(sanity(parts, QUICK[method], image, index, stages=2)),
    )


def failures(heat_map: HeatMap, metrics: tuple[MapMetric, ...], class_name: str) -> tuple[str, ...]:
    """Return why a map should not be believed, a sentence each."""
    empty = f"The map is empty: the method finds no place that speaks for {class_name}."
    return (
        *((empty,) if heat_map.is_empty else ()),
        *(f"The map fails by {one.name}: {one.said}." for one in metrics if not one.passed),
    )


def _completeness(heat_map: HeatMap) -> MapMetric:
    found = heat_map.metrics
    residual, tolerance = found["residual"], found["tolerance"]
    return MapMetric(
        "completeness",
        abs(residual),
        tolerance,
        abs(residual) <= tolerance,
        f"the map sums to {found['sum']:.3f}, the log-odds rise by {found['difference']:.3f} from "
        f"a black image: residual {residual:+.3f}, tolerance {tolerance:.3f} "
        f"({found['steps']:.0f} steps)",
    )
