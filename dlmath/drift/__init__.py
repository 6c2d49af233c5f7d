"""Whether the images of today are still those that a model was trained on."""

from dlmath.drift.statistics import ServedStatistics as ServedStatistics
