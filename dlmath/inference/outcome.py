"""The prediction for one image file, and its forms in JSON and CSV."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .classifier import Outputs
from .columns import number_or_none, probability_columns
from .decision_rule import DecisionRule

# Names that two fields had, which documents still hold next to the new ones.
EARLIER_NAMES = {"ood_score": "distance", "out_of_distribution": "unusual"}


@dataclass(frozen=True)
class Prediction:
    """The prediction for one file, or the reason why there is none.

    Attributes:
        file: The path as it was given or found.
        decision: The class; None with an error.
        probabilities: By class.
        positive: Whether it is the positive class; None for more than two classes.
        ood_score: The out-of-distribution score, see `dlmath.inference.ood_score`; None where the
            run fitted none, or it is not a number.
        out_of_distribution: Whether the score is above the limit that was chosen on validation.
        abstains: Whether the answer is not to be relied on: unsure, or the image out of
            distribution. None where the run has no rule for either.
        probability_at_prevalence: Of the positive class, where it is as common as was asked for.
        error: Why there is no decision; None if there is one.
        doubts: Reasons not to rely on the picture itself, such as a file that lost data, a sentence
            each.
    """

    file: str
    decision: str | None = None
    probabilities: dict[str, float] | None = None
    positive: bool | None = None
    ood_score: float | None = None
    out_of_distribution: bool | None = None
    abstains: bool | None = None
    probability_at_prevalence: float | None = None
    error: str | None = None
    doubts: tuple[str, ...] = ()

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
            "ood_score": self.ood_score,
            "out_of_distribution": self.out_of_distribution,
            "abstains": self.abstains,
            "doubts": list(self.doubts),
            **{name: getattr(self, field) for field, name in EARLIER_NAMES.items()},
            **({} if shifted is None else {"probability_at_prevalence": shifted}),
        }


def predict_one(
    rule: DecisionRule, path: Path, outputs: Outputs, doubts: Sequence[str] = ()
) -> Prediction:
    """Return the prediction that a classifier's outputs for one image give.

    Args:
        rule: Decides.
        path: What to call the image.
        outputs: For the one image.
        doubts: Reasons not to rely on the picture itself.

    Raises:
        RunError: A probability is NaN. That is so for every image, most likely: it is said once.
    """
    outputs.check_finite(lambda _: f"The model gives NaN for {path}")
    probabilities, ood_scores, _ = outputs
    decided = int(rule.decide(probabilities)[0])
    positive = rule.positive_index
    outside = rule.out_of_distribution(ood_scores)
    abstains = rule.abstains(probabilities, ood_scores)
    return Prediction(
        file=str(path),
        decision=rule.classes[decided],
        probabilities=dict(zip(rule.classes, map(float, probabilities[0]), strict=True)),
        positive=None if positive is None else decided == positive,
        ood_score=None if ood_scores is None else number_or_none(ood_scores[0]),
        out_of_distribution=None if outside is None else bool(outside[0]),
        abstains=None if abstains is None else bool(abstains[0]),
        doubts=tuple(doubts),
    )


def csv_fields(classes: Sequence[str], *, shifted: bool = False) -> list[str]:
    """Return the header of `predict --csv`, `shifted` with a probability at a prevalence."""
    further = ["probability_at_prevalence"] if shifted else []
    further += [
        "ood_score",
        "out_of_distribution",
        "abstains",
        *EARLIER_NAMES.values(),
        "error",
        "doubts",
    ]
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
        "ood_score": prediction.ood_score,
        "out_of_distribution": _lower(prediction.out_of_distribution),
        "abstains": _lower(prediction.abstains),
        "distance": prediction.ood_score,
        "unusual": _lower(prediction.out_of_distribution),
        "error": prediction.error,
        "doubts": "; ".join(prediction.doubts),
    }


def _lower(known: bool | None) -> str | None:
    return None if known is None else str(known).lower()
