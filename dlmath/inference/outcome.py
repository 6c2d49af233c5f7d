"""The prediction for one image file, and its forms in JSON and CSV."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .classifier import Outputs
from .columns import number_or_none, probability_columns
from .decision_rule import DecisionRule


@dataclass(frozen=True)
class Prediction:
    """What a model says of one file, or why it says nothing.

    Attributes:
        file: The path as it was given or found.
        decision: The class; None with an error.
        probabilities: By class.
        positive: Whether it is the positive class; None for more than two classes.
        distance: From the training images, see `dlmath.inference.ood_score`; None where the run has
            none fitted, or it is not a number.
        unusual: Whether that is more than the run's validation images keep to.
        abstains: Whether the answer is not to be relied on: unsure, or the image unusual. None
            where the run has no rule for either.
        probability_at_prevalence: Of the positive class, where it is as common as was asked for.
        error: Why there is no decision; None if there is one.
    """

    file: str
    decision: str | None = None
    probabilities: dict[str, float] | None = None
    positive: bool | None = None
    distance: float | None = None
    unusual: bool | None = None
    abstains: bool | None = None
    probability_at_prevalence: float | None = None
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return an entry of the list that `predict --json` prints."""
        if self.error is not None:
            return {"file": self.file, "error": self.error}
        shifted = self.probability_at_prevalence
        return {
            "file": self.file,
            "class": self.decision,
            "probabilities": self.probabilities,
            "positive": self.positive,
            "distance": self.distance,
            "unusual": self.unusual,
            "abstains": self.abstains,
            **({} if shifted is None else {"probability_at_prevalence": shifted}),
        }


def predict_one(rule: DecisionRule, path: Path, outputs: Outputs) -> Prediction:
    """Return what a classifier's outputs for one image come to.

    Raises:
        RunError: A probability is NaN. That is so for every image, most likely: it is said once.
    """
    outputs.check_finite(lambda _: f"The model gives NaN for {path}")
    probabilities, distances, _ = outputs
    decided = int(rule.decide(probabilities)[0])
    positive = rule.positive_index
    unusual, abstains = rule.unusual(distances), rule.abstains(probabilities, distances)
    return Prediction(
        file=str(path),
        decision=rule.classes[decided],
        probabilities=dict(zip(rule.classes, map(float, probabilities[0]), strict=True)),
        positive=None if positive is None else decided == positive,
        distance=None if distances is None else number_or_none(distances[0]),
        unusual=None if unusual is None else bool(unusual[0]),
        abstains=None if abstains is None else bool(abstains[0]),
    )


def csv_fields(classes: Sequence[str], *, shifted: bool = False) -> list[str]:
    """Return the header of `predict --csv`, `shifted` with a probability at a prevalence."""
    further = ["probability_at_prevalence"] if shifted else []
    further += ["distance", "unusual", "abstains", "error"]
    return ["file", "class", "positive", *probability_columns(classes), *further]


def csv_row(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as a row under `csv_fields`; what does not apply is left out."""
    probabilities = prediction.probabilities or {}
    shifted = prediction.probability_at_prevalence
    return {
        "file": prediction.file,
        "class": prediction.decision,
        "positive": _lower(prediction.positive),
        **dict(zip(probability_columns(list(probabilities)), probabilities.values(), strict=True)),
        **({} if shifted is None else {"probability_at_prevalence": shifted}),
        "distance": prediction.distance,
        "unusual": _lower(prediction.unusual),
        "abstains": _lower(prediction.abstains),
        "error": prediction.error,
    }


def _lower(known: bool | None) -> str | None:
    return None if known is None else str(known).lower()
