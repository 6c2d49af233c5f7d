"""Measure a map: the cheap figures always, the slow ones when asked for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.contrast import contrast_figure
from dlmath.explain.deletion import deletion_figure, insertion_figure
from dlmath.explain.energy import energy_figure, truth_of
from dlmath.explain.figure import Figure
from dlmath.explain.heat_map import HeatMap
from dlmath.explain.methods import QUICK
from dlmath.explain.sanity import sanity, sanity_figure


def cheap_figures(heat_map: HeatMap, file: Path, class_name: str) -> tuple[Figure, ...]:
    """Return what costs no further call of the network.

    The completeness of integrated gradients, and on a phantom the energy inside the finding: that
    of the class in whose folder it lies, for nothing drawn there speaks for another.
    """
    figures = []
    if "residual" in heat_map.figures:
        figures.append(_completeness(heat_map))
    if class_name.casefold() == file.resolve().parent.name.casefold():
        truth = truth_of(file, len(heat_map.values))
        if truth is not None:
            figures.append(energy_figure(heat_map, truth))
    return tuple(figures)


Measure = Callable[[ClassifierParts, str, np.ndarray, int, HeatMap], tuple[Figure, ...]]


def slow_figures(
    parts: ClassifierParts, method: str, image: np.ndarray, index: int, heat_map: HeatMap
) -> tuple[Figure, ...]:
    """Return what asks the network again: deletion, insertion, the other class, random weights.

    `method` names what made the map.
    """
    given = (parts, image, index, heat_map)
    return (
        deletion_figure(*given),
        insertion_figure(*given),
        contrast_figure(parts, QUICK[method], image, index, heat_map),
        sanity_figure(sanity(parts, QUICK[method], image, index)),
    )


def report_figures(
    parts: ClassifierParts, method: str, image: np.ndarray, index: int, heat_map: HeatMap
) -> tuple[Figure, ...]:
    """Return what a report has the time for: a seventh of the questions of `slow_figures`."""
    return (
        deletion_figure(parts, image, index, heat_map, steps=4, random_maps=2),
        contrast_figure(parts, QUICK[method], image, index, heat_map),
        sanity_figure(sanity(parts, QUICK[method], image, index, stages=2)),
    )


def failures(heat_map: HeatMap, figures: tuple[Figure, ...], class_name: str) -> tuple[str, ...]:
    """Return why a map should not be believed, a sentence each."""
    empty = f"The map is empty: the method finds no place that speaks for {class_name}."
    return (
        *((empty,) if heat_map.is_empty else ()),
        *(f"The map fails by {one.name}: {one.said}." for one in figures if not one.passed),
    )


def _completeness(heat_map: HeatMap) -> Figure:
    found = heat_map.figures
    residual, tolerance = found["residual"], found["tolerance"]
    return Figure(
        "completeness",
        abs(residual),
        tolerance,
        abs(residual) <= tolerance,
        f"the map sums to {found['sum']:.3f}, the log-odds rise by {found['difference']:.3f} from "
        f"a black image: residual {residual:+.3f}, tolerance {tolerance:.3f} "
        f"({found['steps']:.0f} steps)",
    )
