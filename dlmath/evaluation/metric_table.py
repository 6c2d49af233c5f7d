"""The table of metrics: what each one is, and all that other modules must know of it.

Intervals, prevalence, slices, pooling, the report, the model card and the JSON schema read it, so a
new metric takes three files: its formula (in `decisions`, `ranking` or `calibration`), its entry
here, and the schema, which `python -m dlmath.evaluation.schema` writes.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["decision", "ranking", "probability"]
KINDS: tuple[Kind, ...] = ("decision", "ranking", "probability")


@dataclass(frozen=True)
class Metric:
    """A metric of a classifier on some images.

    Attributes:
        label: How it is written for people, everywhere.
        description: What it is, in words.
        kind: What it is computed from. `decision`: the decided classes. Its interval is melded from
            those of the classes' rates, so it must grow with each of them. Across folds, each image
            is decided by the threshold of its own fold. `ranking`: the order of the probabilities.
            `probability`: the probabilities themselves; it is defined for images of one class too.
        bounds: Which values it can have: a share lies in [0, 1], a correlation in [-1, 1], a loss
            is at least 0. It is the definition in the schema of the same name.
        moves_with_prevalence: Whether another share of positive images changes it.
        hub_name: Its name on the Hugging Face Hub, where that differs from ours.
    """

    label: str
    description: str
    kind: Kind
    bounds: Literal["share", "correlation", "loss"] = "share"
    moves_with_prevalence: bool = True
    hub_name: str | None = None


# In the order in which they are shown.
METRICS = {
    "accuracy": Metric("accuracy", "share of images decided rightly", "decision"),
    "balanced_accuracy": Metric(
        "balanced accuracy",
        "mean of sensitivity and specificity",
        "decision",
        moves_with_prevalence=False,
    ),
    "auc": Metric(
        "AUC",
        "chance that a positive image gets a higher probability than a negative one",
        "ranking",
        moves_with_prevalence=False,
        hub_name="roc_auc",
    ),
    "average_precision": Metric(
        "average precision", "mean precision over all thresholds, weighted by recall", "ranking"
    ),
    "sensitivity": Metric(
        "sensitivity",
        "share of positive images found",
        "decision",
        moves_with_prevalence=False,
        hub_name="recall",
    ),
    "specificity": Metric(
        "specificity",
        "share of negative images decided as negative",
        "decision",
        moves_with_prevalence=False,
    ),
    "ppv": Metric(
        "PPV",
        "share of alarms that are right, at the share of positive images here",
        "decision",
        hub_name="precision",
    ),
    "npv": Metric(
        "NPV",
        "share of all-clears that are right, at the share of positive images here",
        "decision",
    ),
    "f1": Metric("F1", "harmonic mean of PPV and sensitivity", "decision"),
    "mcc": Metric(
        "MCC",
        "correlation of truth and decision, -1 to 1",
        "decision",
        bounds="correlation",
        hub_name="matthews_correlation",
    ),
    "brier": Metric(
        "Brier score",
        "mean squared error of the probabilities; lower is better",
        "probability",
        bounds="loss",
        hub_name="brier_score",
    ),
    "log_loss": Metric(
        "log loss",
        "mean surprise at the truth, in nats; lower is better",
        "probability",
        bounds="loss",
    ),
    "ece": Metric(
        "ECE",
        "distance of probabilities from what happens, without what chance adds; lower is better",
        "probability",
    ),
}

# Of metrics that are measured while a model is trained, nearly all on the validation part.
VALIDATION_NAMES = {
    "loss": "training loss",
    "val_auc": "validation AUC",
    "val_loss": "validation log loss",
    "val_accuracy": "validation accuracy",
    "stress_auc": "AUC on composites",
    "corrupted_auc": "AUC on corrupted images",
}


def label_of(name: str) -> str:
    """Return how a metric is written for people; the key of another number becomes words."""
    if name in METRICS:
        return METRICS[name].label
    if name in VALIDATION_NAMES:
        return VALIDATION_NAMES[name]
    return " ".join(METRICS[word].label if word in METRICS else word for word in name.split("_"))


def names_of(*kinds: Kind, moving: bool = False) -> tuple[str, ...]:
    """Return the names of the metrics of these kinds, kind by kind, each in the table's order.

    Args:
        kinds: At least one.
        moving: Leave out those that another prevalence does not change.
    """
    return tuple(
        name
        for kind in kinds
        for name, metric in METRICS.items()
        if metric.kind == kind and (metric.moves_with_prevalence or not moving)
    )
