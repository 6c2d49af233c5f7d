"""What the metrics of an evaluation are, in words, and how a figure is written."""

from collections.abc import Mapping

# What each metric is, for those who do not live among them.
MEANINGS = {
    "accuracy": "share of images decided rightly",
    "balanced_accuracy": "mean of sensitivity and specificity",
    "auc": "chance that a positive image gets a higher probability than a negative one",
    "average_precision": "mean precision over all thresholds, weighted by recall",
    "sensitivity": "share of positive images found",
    "specificity": "share of negative images left alone",
    "ppv": "share of alarms that are right, at the share of positive images here",
    "npv": "share of all-clears that are right, at the share of positive images here",
    "f1": "harmonic mean of PPV and sensitivity",
    "mcc": "correlation of truth and decision, -1 to 1",
    "brier": "mean squared error of the probabilities; lower is better",
    "log_loss": "mean surprise at the truth, in nats; lower is better",
    "ece": "distance of probabilities from what happens, without what chance adds; lower is better",
}


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
