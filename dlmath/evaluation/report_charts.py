"""The charts and pictures of a report, from a run's `predictions.csv`."""

from pathlib import Path

import numpy as np

from dlmath import pages
from dlmath.charts import Axes, Chart
from dlmath.data.listing import counted
from dlmath.data.run_data import RunData
from dlmath.data.thumbnail import thumbnail_address
from dlmath.errors import DataError
from dlmath.evaluation.curve_bands import Curves, curves
from dlmath.evaluation.predictions import Predictions
from dlmath.inference.decision_rule import decide_binary
from dlmath.runs import Run
from dlmath.seeds import generator

MISTAKES = 12  # shown of each kind
TILE = 112  # pixels a side
_BINS = np.linspace(0, 1, 21)


def chart_section(found: Predictions, threshold: float, seed: int) -> str:
    """Return the charts; both classes must be there.

    Args:
        found: N predictions of a task with two classes.
        threshold: Chosen on validation.
        seed: Of the bootstrap.
    """
    drawn = curves(found.positive, found.score, found.clusters, generator("curves", seed))
    return pages.charts(
        [
            _roc(drawn, found, threshold),
            _precision_recall(drawn, found),
            _reliability(drawn),
            _histogram(found, threshold),
            _decision_curve(drawn),
        ]
    )


def _roc(drawn: Curves, found: Predictions, threshold: float) -> tuple[str, str]:
    decided = decide_binary(found.score, threshold)
    at = np.array([decided[~found.positive].mean()]), np.array([decided[found.positive].mean()])
    chart = Chart("ROC curve", Axes("1 - specificity", "sensitivity"))
    chart.line(np.array([0, 1]), np.array([0, 1]), "guide")
    chart.band(drawn.roc.x, drawn.roc.low, drawn.roc.high)
    chart.line(drawn.roc.x, drawn.roc.value).points(*at, at[1], at[1])
    return chart.svg(), "ROC curve with its 95 % band; the point is the threshold from validation."


def _precision_recall(drawn: Curves, found: Predictions) -> tuple[str, str]:
    share = found.positive.mean()
    chart = Chart("Precision and recall", Axes("recall (sensitivity)", "precision (PPV)"))
    chart.line(np.array([0, 1]), np.array([share, share]), "guide")
    band = drawn.precision_recall
    chart.band(band.x, band.low, band.high).line(band.x, band.value)
    return chart.svg(), "Precision over recall; the dashed line is the share of positive images."


def _reliability(drawn: Curves) -> tuple[str, str]:
    chart = Chart("Reliability", Axes("predicted probability", "share of positive images"))
    chart.line(np.array([0, 1]), np.array([0, 1]), "guide")
    band = drawn.reliability
    chart.points(band.x, band.value, band.low, band.high)
    return chart.svg(), "Calibration: on the dashed line a probability means what it says."


def _histogram(found: Predictions, threshold: float) -> tuple[str, str]:
    kinds = (found.positive, "first", "positive"), (~found.positive, "second", "negative")
    heights = [np.histogram(found.score[rows], _BINS)[0] for rows, _, _ in kinds]
    most = float(max(height.max() for height in heights))
    axes = Axes("predicted probability", "images", y_range=(0, most or 1))
    chart = Chart("Probabilities of both classes", axes)
    for height, (_, kind, name) in zip(heights, kinds, strict=True):
        chart.bars(_BINS, height, kind, name)
    return chart.upright(threshold, "threshold").svg(), "What was predicted, by the truth."


def _decision_curve(drawn: Curves) -> tuple[str, str]:
    band = drawn.net_benefit
    high = float(np.nanmax(band.value)) or 1.0
    limits = (-0.1 * high, 1.1 * high)
    chart = Chart("Decision curve", Axes("threshold probability", "net benefit", y_range=limits))
    chart.band(band.x, band.low, band.high).line(band.x, band.value, name="model")
    chart.line(band.x, drawn.treat_all, "other", "all positive")
    chart.line(band.x, np.zeros_like(band.x), "guide", "none")
    said = "Net benefit (Vickers and Elkin 2006): what deciding by the model is worth, in true "
    return chart.svg(), said + "positives an image, if a false alarm weighs t / (1 - t)."


def mistakes_section(run: Run, found: Predictions, threshold: float) -> list[str]:
    """Return the most confident mistakes of both kinds, as pictures where they are at hand."""
    paths = _paths(run)
    wrong = decide_binary(found.score, threshold) != found.positive
    missed = np.flatnonzero(wrong & found.positive)
    alarms = np.flatnonzero(wrong & ~found.positive)
    kinds = (
        ("missed image", missed[np.argsort(found.score[missed], kind="stable")]),
        ("false alarm", alarms[np.argsort(-found.score[alarms], kind="stable")]),
    )
    parts = []
    for name, rows in kinds:
        parts.append(pages.paragraph(_mistakes(len(rows), name)))
        shown = [_tile(paths, found.files[row], found.score[row]) for row in rows[:MISTAKES]]
        if shown:
            parts.append(pages.side_by_side(shown))
    return parts


def _mistakes(count: int, name: str) -> str:
    if count == 0:
        return f"No {name}."
    more = f"; the first {MISTAKES} are shown" if count > MISTAKES else ""
    return f"{counted(count, name)}, the most confident first{more}:" if count > 1 else f"1 {name}:"


def _paths(run: Run) -> dict[str, Path]:
    """Return where the run's images lie; nothing if they were moved away."""
    try:
        return RunData(run).paths()
    except DataError:
        return {}


def _tile(paths: dict[str, Path], file: str, score: float) -> str:
    picture = thumbnail_address(paths[file], file, TILE) if file in paths else None
    return pages.figure(picture, f"{score:.3f} {file.rpartition('/')[2]}")
