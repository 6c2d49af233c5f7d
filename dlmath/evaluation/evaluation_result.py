"""Evaluation results, computed from truth and probabilities."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from dlmath.evaluation.decisions import confusion_matrix
from dlmath.evaluation.intervals import Sample, measure_metrics
from dlmath.evaluation.test_access_log import TestAccessLog
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.seeds import generator
from dlmath.stats.bootstrap import Estimate, cluster_indices


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a classifier on some images.

    Attributes:
        task: The recipe's name.
        split: Part of the data: test, validation or all.
        n: Number of images.
        patients: Number of patients; None where not every image's patient is known.
        classes: In the order of the confusion matrix.
        positive_class: The class that all binary metrics are about; None for more than two.
        threshold: None for more than two classes.
        metrics: By the names in `dlmath.evaluation.METRICS`.
        confusion: Counts of images; rows are truth, columns decisions.
        slices: Metrics of subsets of the images, by name.
        warnings: Warnings for readers of the metrics.
        methods: How each metric's interval was found: `bca`, `delong`, `clopper-pearson`,
            `melded`, `inversion` or `bounded`.
        threshold_choice: By which rule, with the threshold's own interval, and what these images
            would have preferred, which was not used.
        operating_points: Sensitivity at specificities of 90 and 95 %, and the reverse.
        calibration: The greatest error of a bin (`mce`), and the parts of the Brier score.
        patient_level: Metrics of patients in the place of images, and the worst of them.
        at_prevalence: Metrics at another prevalence, where one was asked for.
        selective: Which images are not answered, as the run's validation part has it, and how
            right the other answers are.
        region_reliance: AUCs without the recipe's region, without the border and with another's,
            where they were asked for.
        test_openings: Log of accesses to the test part; None where it was not used.
    """

    task: str
    split: str
    n: int
    patients: int | None
    classes: tuple[str, ...]
    positive_class: str | None
    threshold: Threshold | None
    metrics: dict[str, Estimate]
    confusion: tuple[tuple[int, ...], ...]
    slices: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    methods: dict[str, str] = field(default_factory=dict)
    threshold_choice: dict[str, Any] | None = None
    operating_points: dict[str, Estimate] = field(default_factory=dict)
    calibration: dict[str, Estimate] = field(default_factory=dict)
    patient_level: dict[str, Any] | None = None
    at_prevalence: dict[str, Any] | None = None
    selective: dict[str, Any] | None = None
    region_reliance: dict[str, Any] | None = None
    # Not compared: to look again changes no metric.
    test_openings: TestAccessLog | None = field(default=None, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Return the document of `evaluate --json`, as `evaluation.schema.json` describes it."""
        return {
            **asdict(self),
            "classes": list(self.classes),
            "confusion": [list(row) for row in self.confusion],
            "warnings": list(self.warnings),
            "test_openings": self.test_openings
            and {
                **asdict(self.test_openings),
                "other_runs": list(self.test_openings.other_runs),
                "said": str(self.test_openings),
            },
        }


def measure(
    classifier: DecisionRule,
    truth: np.ndarray,
    probabilities: np.ndarray,
    patients: Sequence[str | None],
    *,
    task: str,
    split: str,
    seed: int,
    warnings: Sequence[str] = (),
) -> Evaluation:
    """Return every metric with its interval, from probabilities only.

    Args:
        classifier: Whose probabilities these are.
        truth: (N,) class indices, N at least 1.
        probabilities: (N, K), all of them numbers.
        patients: N names; where one is None, each image counts as a patient of its own.
        task: The recipe's name.
        split: Which part of the data these are.
        seed: Of the bootstrap.
        warnings: To stand before those found here.
    """
    known = None not in patients
    sample = Sample(classifier, truth, probabilities, cluster_indices(patients))
    measured = measure_metrics(sample, generator("bootstrap", seed))
    confusion = confusion_matrix(truth, sample.decision, len(classifier.classes))
    return Evaluation(
        task=task,
        split=split,
        n=len(truth),
        patients=len(set(patients)) if known else None,
        classes=classifier.classes,
        positive_class=classifier.positive_class,
        threshold=classifier.threshold,
        metrics=measured.metrics,
        methods=measured.methods,
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        warnings=(*warnings, *_warnings(classifier.classes, truth, known), *measured.warnings),
    )


def _warnings(classes: Sequence[str], truth: np.ndarray, patients_known: bool) -> list[str]:
    warnings = []
    absent = [name for index, name in enumerate(classes) if index not in truth]
    if absent:
        warnings.append(f"There is no image of {', '.join(absent)}.")
    if not patients_known:
        warnings.append(
            "Whose images these are is not known: the intervals take each for a patient of its "
            "own and are too narrow if some patients have several."
        )
    return warnings
