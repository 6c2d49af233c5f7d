"""Drift: test whether new images differ from those that a model was trained on."""

from dlmath.drift.statistics import ServedStatistics as ServedStatistics
