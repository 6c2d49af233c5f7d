"""What a model says of one image file, and how that is written down."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from dlmath.inference.columns import probability_columns
from dlmath.inference.prevalence import check_prevalence, shift_probability, trained_prevalence
from dlmath.runs import Run


@dataclass(frozen=True)
class Prediction:
    """What a model says of one file, or why it says nothing.

    Attributes:
        file: The path as it was given or found.
        decision: The class; None with an error.
        probabilities: By class.
        positive: Whether it is the positive class; None for more than two classes.
        distance: From the training images, see `dlmath.inference.distance`; None where the run has
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


@dataclass(frozen=True)
class Shift:
    """Adds to a prediction the probability at another prevalence.

    Attributes:
        positive_class: Whose probability it is.
        trained_at: The prevalence that the model's probabilities are for.
        prevalence: The other one.
    """

    positive_class: str
    trained_at: float
    prevalence: float

    @classmethod
    def of(cls, run: Run, prevalence: float) -> Self:
        """Return the shift from what a run was trained on.

        Raises:
            DataError: There is no such prevalence, or more than two classes.
        """
        check_prevalence(prevalence)
        return cls(run.recipe.positive_class, trained_prevalence(run), prevalence)

    def __call__(self, prediction: Prediction) -> Prediction:
        """Return the prediction with it; one without probabilities as it is."""
        if prediction.probabilities is None:
            return prediction
        own = np.array(prediction.probabilities[self.positive_class])
        shifted = float(shift_probability(own, self.trained_at, self.prevalence))
        return replace(prediction, probability_at_prevalence=shifted)


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
