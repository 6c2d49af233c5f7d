"""Comparison of two runs on the same test images."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.errors import RunError
from dlmath.evaluation.composition import class_counts
from dlmath.evaluation.expected_calibration_error import calibration_error
from dlmath.evaluation.intervals import Sample, difference_ends
from dlmath.evaluation.metric_table import label_of
from dlmath.evaluation.paired import AucDifference, McNemar, delong_test, mcnemar_test
from dlmath.evaluation.predictions import Predictions, check_same_images
from dlmath.inference.decision_rule import DecisionRule
from dlmath.inference.run_files import stored_decision
from dlmath.runs import Run
from dlmath.seeds import generator
from dlmath.stats.bootstrap import Estimate, estimate

_CHOICE = (
    "To keep the better of runs by their metrics on the test part is a choice made on the test "
    "part: the metrics of the one that is kept flatter it. Choose on validation, or say so."
)


@dataclass(frozen=True)
class Difference:
    """Difference of a metric between two runs.

    Attributes:
        first: Value of the first run; None where undefined.
        second: Value of the second run.
        difference: First less second, with its 95 % interval.
    """

    first: float | None
    second: float | None
    difference: Estimate


@dataclass(frozen=True)
class Comparison:
    """Comparison of two runs on the same test images.

    Attributes:
        runs: Names of the runs.
        n: Number of images.
        by_class: Number of images of each class.
        patients: Number of patients; None where not every image's patient is known.
        classes: In the first run's order.
        positive_class: None for more than two classes.
        metrics: By the names in `dlmath.evaluation.METRICS`.
        delong: The paired test of the AUCs; None for more than two classes, or for too few
            patients.
        mcnemar: The paired test of the accuracies.
        warnings: Warnings for readers of the metrics.
    """

    runs: tuple[str, str]
    n: int
    by_class: dict[str, int]
    patients: int | None
    classes: tuple[str, ...]
    positive_class: str | None
    metrics: dict[str, Difference]
    delong: AucDifference | None
    mcnemar: McNemar
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the document of `runs compare --json`."""
        return {
            **asdict(self),
            "runs": list(self.runs),
            "classes": list(self.classes),
            "delong": self.delong and self.delong._asdict(),
            "mcnemar": self.mcnemar._asdict(),
            "warnings": list(self.warnings),
        }


def compare_runs(first: Run | str | Path, second: Run | str | Path) -> Comparison:
    """Compare two runs that were evaluated on the same test images, image by image.

    Each run decides by its own threshold. In a replicate of the bootstrap the same patients are
    drawn for both runs, so what makes an image hard for both cancels in the difference.

    Args:
        first: A run, its folder, or its name under `runs/`.
        second: The other.

    Raises:
        RunError: A run has no predictions of its test part, or the images, their classes or their
            patients are not the same.
    """
    runs = [run if isinstance(run, Run) else Run.find(run) for run in (first, second)]
    rules = [DecisionRule(**stored_decision(run)) for run in runs]
    _check_same_classes(runs, rules)
    found = [Predictions.read(run).by_file() for run in runs]
    check_same_images(runs, found)
    samples = [one.sample(rule) for rule, one in zip(rules, found, strict=True)]
    names = (runs[0].name, runs[1].name)
    return _compare(names, samples, found[0].patients)


def _compare(
    names: tuple[str, str], samples: Sequence[Sample], patients: Sequence[str | None]
) -> Comparison:
    one, other = samples
    metrics, warnings = _differences(one, other)
    positive = one.rule.positive_index
    delong = None
    if positive is not None:
        scores = (
            one.probabilities[:, positive],
            other.probabilities[:, other.rule.positive_index],
        )
        delong = delong_test(one.truth == positive, scores, one.clusters)
    right = (one.decision == one.truth, other.decision == other.truth)
    return Comparison(
        runs=names,
        n=len(one.truth),
        by_class=class_counts(one.truth, one.rule.classes),
        patients=None if None in patients else len(set(patients)),
        classes=one.rule.classes,
        positive_class=one.rule.positive_class,
        metrics=metrics,
        delong=delong,
        mcnemar=mcnemar_test(right, one.clusters),
        warnings=(_CHOICE, *warnings),
    )


def _differences(one: Sample, other: Sample) -> tuple[dict[str, Difference], list[str]]:
    first, second = one.statistics(), other.statistics()

    def differences(weights: np.ndarray) -> dict[str, np.ndarray]:
        left, right = first(weights), second(weights)
        return {name: left[name] - right[name] for name in left}

    found, warnings = estimate(differences, one.clusters, generator("compare"), label=label_of)
    left, right = _values(one), _values(other)
    ends = difference_ends(one, other)
    metrics = {
        name: Difference(
            left[name], right[name], Estimate(metric.value, *ends.get(name, _known(metric)))
        )
        for name, metric in found.items()
    }
    # The bias of its estimate does not cancel, and no interval is known to hold the difference.
    error = metrics["ece"]
    assert error.first is not None
    assert error.second is not None
    less = Estimate(error.first - error.second, None, None)
    metrics["ece"] = Difference(error.first, error.second, less)
    return metrics, warnings


def _known(difference: Estimate) -> tuple[float | None, float | None]:
    """Return the ends, none where all replicates are alike: the spread is then not known."""
    return (difference.low, difference.high) if difference.has_width else (None, None)


def _values(sample: Sample) -> dict[str, float | None]:
    """Return the metrics as the sample's own evaluation has them."""
    found = sample.statistics()(np.ones((1, len(sample.truth))))
    values = {name: None if np.isnan(one[0]) else float(one[0]) for name, one in found.items()}
    error = calibration_error(sample.truth, sample.probabilities, sample.clusters)
    return {**values, "ece": error.value}


def _check_same_classes(runs: Sequence[Run], rules: Sequence[DecisionRule]) -> None:
    one, other = rules
    if set(one.classes) != set(other.classes) or one.positive_class != other.positive_class:
        told = "; ".join(
            f"{run.name} has {', '.join(rule.classes)}, positive {rule.positive_class}"
            for run, rule in zip(runs, rules, strict=True)
        )
        raise RunError(f"Only runs of the same classes can be compared. Received: {told}.")
