"""Details of an evaluation beyond its metrics: the threshold, groups and patients."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.data.image_headers import BadImage, read_header
from dlmath.data.pixels import Pixels
from dlmath.data.sources import ImageRecord
from dlmath.errors import DataError
from dlmath.evaluation.calibration import (
    brier_decomposition,
    probability_columns,
    probability_metrics_of,
)
from dlmath.evaluation.composition import class_counts
from dlmath.evaluation.intervals import Sample, measure_metrics
from dlmath.evaluation.metrics import binary_metrics
from dlmath.evaluation.operating_points import measure_operating_points
from dlmath.evaluation.patient_level import measure_patient_level, patients_worst_first
from dlmath.evaluation.slice_groups import Groups, by_column, by_kind, by_number, read_column
from dlmath.evaluation.slices import measure_slices, slices_as_json
from dlmath.evaluation.threshold import Rule, choose_threshold
from dlmath.recipe.table_columns import ColumnNames
from dlmath.seeds import generator
from dlmath.stats.bootstrap import Estimate, estimate

WORST_PATIENTS = 20

_HEADER = 2**20  # bytes, whole metadata of nearly every JPEG


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The images of an evaluation with all that is known of them.

    Attributes:
        sample: What is known and what was said of the images.
        pixels: The images as the model saw them.
        seed: Of the bootstrap.
        ood_scores: (N,) out-of-distribution scores; None where the run fitted none.
    """

    sample: Sample
    pixels: Pixels
    seed: int
    ood_scores: np.ndarray | None = None

    @property
    def positive(self) -> np.ndarray | None:
        """(N,) bool; None for more than two classes."""
        index = self.sample.rule.positive_index
        return None if index is None else self.sample.truth == index

    @property
    def probability(self) -> np.ndarray:
        """(N,) of the positive class."""
        return self.sample.probabilities[:, self.sample.rule.positive_index]

    @property
    def patients(self) -> list[str] | None:
        """N names; None where it is not known whose the images are."""
        names = [example.patient for example in self.pixels.examples if example.patient]
        return names if len(names) == len(self.pixels.examples) else None


def threshold_choice(evaluated: Evaluated, record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how the threshold was chosen, and what these images would have preferred.

    Args:
        evaluated: A binary task; else None is returned.
        record: The manifest's `threshold`.
    """
    positive = evaluated.positive
    if positive is None:
        return None
    rule = Rule.of_record(record)
    interval = {"low": record.get("low"), "high": record.get("high")}
    choice = {**rule.as_dict(), "images": record.get("images", "plain"), **interval}
    if positive.all() or not positive.any():
        return {**choice, "preferred_here": None}
    value = choose_threshold(positive, evaluated.probability, rule)
    ones = np.ones((1, len(positive)))
    metrics = binary_metrics(positive, evaluated.probability, value, ones)
    shown = {name: float(metrics[name][0]) for name in ("sensitivity", "specificity", "accuracy")}
    return {**choice, "preferred_here": {"value": value, **shown, "used": False}}


def points(evaluated: Evaluated) -> dict[str, Estimate]:
    """Return the operating points; none for more than two classes or with only one class."""
    positive = evaluated.positive
    if positive is None or positive.all() or not positive.any():
        return {}
    random = generator("operating points", evaluated.seed)
    return measure_operating_points(
        positive, evaluated.probability, evaluated.sample.clusters, random
    )


def calibration(evaluated: Evaluated) -> dict[str, Estimate]:
    """Return the greatest calibration error of a bin, and for two classes the Brier score's parts.

    See `dlmath.evaluation.calibration`. The greatest error, the reliability and the resolution are
    functions of noisy gaps that chance makes larger: a bootstrap adds to that, so that its interval
    would not hold their true values, and none is given.
    """
    sample, positive = evaluated.sample, evaluated.positive
    columns = probability_columns(sample.truth, sample.probabilities)

    def statistics(weights: np.ndarray) -> dict[str, np.ndarray]:
        of_bins = probability_metrics_of(weights @ columns, weights.sum(axis=1))
        if positive is None:
            return {"mce": of_bins["mce"]}
        parts = brier_decomposition(positive, evaluated.probability, weights)
        return {"mce": of_bins["mce"], **parts}

    found = estimate(statistics, sample.clusters, generator("calibration", evaluated.seed))[0]
    biased = ("mce", "brier_reliability", "brier_resolution")
    return {
        name: Estimate(metric.value, None, None) if name in biased else metric
        for name, metric in found.items()
    }


def slices(
    evaluated: Evaluated, columns: Sequence[str], names: ColumnNames | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Return the metrics of groups: by kind, brightness, image size, and columns of CSV files.

    Args:
        evaluated: Of any number of classes.
        columns: `FILE.csv:COLUMN` each.
        names: How the run's own CSV names its columns.

    Returns:
        The document under `slices`, and what a reader of it should know.

    Raises:
        DataError: A column cannot be read.
    """
    examples = evaluated.pixels.examples
    files = [example.file for example in examples]
    groups: list[Groups | None] = []
    if evaluated.positive is not None:
        groups.append(by_kind(files, evaluated.positive))
    brightness = np.array([image.mean() for image in evaluated.pixels.array])
    groups.append(by_number("brightness", brightness))
    sides = np.array([_shorter_side(example) for example in examples])
    groups.append(by_number("image size", sides, "pixels"))
    for column in columns:
        table, separator, name = column.rpartition(":")
        if not separator:
            raise DataError(f"A column to slice by must read FILE.csv:COLUMN. Received: {column!r}")
        divided = by_column(read_column(Path(table), name, files, names))
        if divided is None:
            raise DataError(
                f"The column {name!r} of {table} has fewer than two different texts for these "
                f"{len(files):,} images, so it divides them into no groups. Leave it out."
            )
        groups.append(divided)
    random = generator("slices", evaluated.seed)
    divisions = [group for group in groups if group is not None]
    found = [measure_slices(evaluated.sample, group, random) for group in divisions]
    return slices_as_json(found), [group.note for group in divisions if group.note]


def patient_metrics(evaluated: Evaluated) -> dict[str, Any] | None:
    """Return the metrics of patients in the place of images, and those who fare worst.

    None for more than two classes, and where it is not known whose the images are.
    """
    positive, patients = evaluated.positive, evaluated.patients
    if positive is None or patients is None:
        return None
    sample = evaluated.sample
    level = measure_patient_level(positive, evaluated.probability, patients)
    first = sample.rule.positive_index == 0  # of the classes the positive one comes first
    columns = [level.probability, 1 - level.probability]
    of_patients = Sample(
        sample.rule,
        np.where(level.positive == first, 0, 1),
        np.column_stack(columns if first else columns[::-1]),
        np.arange(len(level.patients)),
    )
    measured = measure_metrics(of_patients, generator("patients", evaluated.seed))
    worst = patients_worst_first(sample.truth, sample.decision, sample.probabilities, patients)
    return {
        "rule": level.rule,
        "n": len(level.patients),
        "by_class": class_counts(of_patients.truth, sample.rule.classes),
        "metrics": {name: asdict(metric) for name, metric in measured.metrics.items()},
        "worst": [asdict(one) for one in worst[:WORST_PATIENTS] if one.wrong],
        "warnings": measured.warnings,
    }


def _shorter_side(example: ImageRecord) -> float:
    """Return the shorter side of an image file in pixels, NaN for a kind without such a header."""
    try:
        with example.path.open("rb") as file:
            header = read_header(file.read(_HEADER), example.file)
    except (OSError, BadImage):
        return float("nan")
    return float(min(header.width, header.height))
