"""Charts of experiments: curves with their ranges, dots, and an SVG file without dependencies."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from dlmath.charts import WIDTH, Axes, Chart

KINDS = ("curve", "other", "guide")
ROOM = 16  # next to the chart, for a number at the end of its axis
SMALLEST = 1e-17  # below the rounding of anything plotted here; the logarithm of 0 is none

# A file has no page around it, so it brings the colours that a page would give it.
_STYLE = (
    "svg{overflow:visible}text{font:11px system-ui,sans-serif;fill:#5b636d}"
    ".axis{fill:none;stroke:#5b636d}.grid{stroke:#d8dde3;stroke-width:.5}"
    ".curve{fill:none;stroke:#0072b2;stroke-width:2}"
    ".other{fill:none;stroke:#d55e00;stroke-width:1.5}"
    ".guide{fill:none;stroke:#5b636d;stroke-dasharray:4 3}.band{fill:#0072b2;opacity:.2}"
    ".point{fill:#0072b2}.whisker{stroke:#0072b2;stroke-width:1.5}"
    ".first{fill:#0072b2;opacity:.55}.second{fill:#d55e00;opacity:.55}"
)

Curve = tuple[ArrayLike, ArrayLike]


def curves(title: str, x: str, y: str, series: Mapping[str, Curve], *, log: bool = False) -> Chart:
    """Return a chart of up to three curves, given by their names as (x, y).

    With `log`, y is shown by its logarithm to base 10. What is not finite is left out.
    """
    ready = {name: _ready(curve, log) for name, curve in series.items()}
    across = np.concatenate([xs for xs, _ in ready.values()])
    up = np.concatenate([ys for _, ys in ready.values()])
    label = f"log10 of {y}" if log else y
    chart = Chart(title, Axes(x, label, limits(across, 0.0), limits(up)))
    for kind, (name, (xs, ys)) in zip(KINDS, ready.items(), strict=False):
        chart.line(xs, ys, kind, name)
    return chart


def sequences(
    title: str, x: str, y: str, series: Mapping[str, ArrayLike], *, log: bool = False
) -> Chart:
    """Return the `curves` of up to three sequences, over their numbers 0, 1, 2, ..."""
    ready = {name: (np.arange(len(np.asarray(values))), values) for name, values in series.items()}
    return curves(title, x, y, ready, log=log)


def dots(chart: Chart, points: np.ndarray, kind: str) -> Chart:
    """Add small squares of the colour of `kind` at points (N, 2)."""
    (left, right), (bottom, top) = chart.axes.x_range, chart.axes.y_range
    width, height = (right - left) / 250, (top - bottom) / 250
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * (width, height)
    for point in points:
        corners = point + square
        chart.line(corners[:, 0], corners[:, 1], kind)
    return chart


def limits(values: np.ndarray, margin: float = 0.05) -> tuple[float, float]:
    """Return a range around finite values, of a width above zero."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    room = margin * (high - low) if high > low else 0.5
    return low - room, high + room


def standalone(chart: Chart) -> str:
    """Return the chart as the text of an SVG file."""
    width, height = WIDTH + ROOM, chart.height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{2 * width}" height="{2 * height}"><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>{chart.svg()}</svg>\n'
    )


def _ready(curve: Curve, log: bool) -> tuple[np.ndarray, np.ndarray]:
    xs, ys = (np.asarray(side, float) for side in curve)
    if log:
        ys = np.log10(np.maximum(np.abs(ys), SMALLEST))
    return xs, np.where(np.isfinite(ys), ys, np.nan)
