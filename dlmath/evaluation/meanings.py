"""How a figure is written."""

from collections.abc import Mapping


def cells(figure: Mapping[str, float | None]) -> tuple[str, str]:
    """Return a figure and its interval as texts, with three decimals."""
    value = "undefined" if figure["value"] is None else f"{figure['value']:.3f}"
    if figure["low"] is None or figure["high"] is None:
        return value, ""
    return value, f"{figure['low']:.3f} to {figure['high']:.3f}"


def with_interval(figure: Mapping[str, float | None]) -> str:
    """Return `0.950 (95 % interval 0.920 to 0.970)`, for a sentence without a heading over it."""
    value, interval = cells(figure)
    return f"{value} (95 % interval {interval})" if interval else value
