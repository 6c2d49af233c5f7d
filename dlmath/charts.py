"""Charts as inline SVG: lines, bands, bars and points on a square with ticks, in a page's colours.

Made for reports that need nothing else. A chart is described to those who cannot see it by
its `title`, and takes its colours from the page's style sheet, so that it turns dark with it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

import numpy as np

WIDTH, HEIGHT = 340, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 44
_ROW = 16  # of the legend
_BARS = ("first", "second")
_INNER_WIDTH, _INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM


@dataclass(frozen=True)
class Axes:
    """The axes of a chart: their titles, ranges and ticks.

    Attributes:
        x: Label of the horizontal axis.
        y: Label of the vertical axis.
        x_range: From left to right.
        y_range: From bottom to top.
    """

    x: str
    y: str
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)


@dataclass
class Chart:
    """A chart under construction; every method returns it, so that calls can follow one another."""

    title: str
    axes: Axes
    _shapes: list[str] = field(default_factory=list)
    _legend: list[tuple[str, str]] = field(default_factory=list)

    def band(self, x: np.ndarray, low: np.ndarray, high: np.ndarray) -> "Chart":
        """Add an area between two curves; points that are NaN are left out."""
        there = ~(np.isnan(low) | np.isnan(high))
        upper = self._points(x[there], high[there])
        lower = self._points(x[there][::-1], low[there][::-1])
        self._shapes.append(f'<polygon class="band" points="{" ".join([*upper, *lower])}"/>')
        return self

    def line(self, x: np.ndarray, y: np.ndarray, kind: str = "curve", name: str = "") -> "Chart":
        """Add a curve of kind curve, other or guide; with a name it is in the legend."""
        there = ~np.isnan(y)
        points = " ".join(self._points(x[there], y[there]))
        self._shapes.append(f'<polyline class="{kind}" points="{points}"/>')
        if name:
            self._legend.append((kind, name))
        return self

    def points(self, x: np.ndarray, y: np.ndarray, low: np.ndarray, high: np.ndarray) -> "Chart":
        """Add points with upright bars for their intervals."""
        for place, *heights in zip(x, y, low, high, strict=True):
            if not np.isnan(heights).any():
                across, (at, bottom, top) = self._x(place), map(self._y, heights)
                self._shapes.append(
                    f'<line class="whisker" x1="{across}" x2="{across}" y1="{bottom}" y2="{top}"/>'
                    f'<circle class="point" cx="{across}" cy="{at}" r="3.5"/>'
                )
        return self

    def bars(self, edges: np.ndarray, heights: np.ndarray, kind: str, name: str) -> "Chart":
        """Add a histogram, of kind first or second: edges (B + 1,), heights (B,)."""
        base = self._y(self.axes.y_range[0])
        for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
            x0, x1, top = self._x(left), self._x(right), self._y(height)
            self._shapes.append(
                f'<rect class="{kind}" x="{x0}" y="{top}" width="{x1 - x0:.1f}" '
                f'height="{base - top:.1f}"/>'
            )
        self._legend.append((kind, name))
        return self

    def upright(self, x: float, name: str) -> "Chart":
        """Add an upright line, such as a threshold."""
        low, high = self.axes.y_range
        return self.line(np.array([x, x]), np.array([low, high]), "guide", name)

    @property
    def height(self) -> int:
        """The height with the legend, in the units of `WIDTH`."""
        return HEIGHT + _ROW * len(self._legend)

    def svg(self) -> str:
        """Return the chart as an SVG element."""
        parts = [*self._frame(), *self._shapes, *self._key()]
        return (
            f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" '
            f'aria-label="{escape(self.title)}">'
            f"<title>{escape(self.title)}</title>{''.join(parts)}</svg>"
        )

    def _frame(self) -> Iterator[str]:
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        yield f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>'
        for value in ticks(*self.axes.x_range):
            yield _label(self._x(value), bottom + 15, f"{value:.4g}")
        for value in ticks(*self.axes.y_range):
            y = self._y(value)
            yield f'<path class="grid" d="M{LEFT} {y}H{right}"/>'
            yield f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{value:.3g}</text>'
        yield _label(LEFT + _INNER_WIDTH / 2, HEIGHT - 8, self.axes.x)
        yield _label(12, TOP + _INNER_HEIGHT / 2, self.axes.y, turn=-90)

    def _key(self) -> Iterator[str]:
        # Below the axes: inside, no corner is free of every curve.
        for row, (kind, name) in enumerate(self._legend):
            y = HEIGHT + 8 + _ROW * row
            sample = "m0-4h18v8h-18z" if kind in _BARS else "h18"
            yield f'<path class="{kind}" d="M{LEFT} {y - 4}{sample}"/>'
            yield f'<text x="{LEFT + 24}" y="{y}">{escape(name)}</text>'

    def _points(self, x: np.ndarray, y: np.ndarray) -> list[str]:
        return [f"{self._x(a)},{self._y(b)}" for a, b in zip(x, y, strict=True)]

    def _x(self, x: float) -> float:
        return round(LEFT + _INNER_WIDTH * _share(x, self.axes.x_range), 1)

    def _y(self, y: float) -> float:
        return round(TOP + _INNER_HEIGHT * (1 - _share(y, self.axes.y_range)), 1)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return about `most` numbers between two others, 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _share(value: float, limits: tuple[float, float]) -> float:
    """Return where in its range a value lies, 0 to 1: nothing leaves the frame."""
    low, high = limits
    return min(max((float(value) - low) / (high - low), 0.0), 1.0)


def _label(x: float, y: float, text: str, turn: int = 0) -> str:
    turned = f' transform="rotate({turn} {x} {y})"' if turn else ""
    return f'<text x="{x}" y="{y}" text-anchor="middle"{turned}>{escape(text)}</text>'
