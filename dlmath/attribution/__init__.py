"""What an answer owes to the training patients: influence, doubtful labels, how many it takes."""

from dlmath.attribution.how_many import how_many
from dlmath.attribution.likely_errors import (
    LikelyError,
    LikelyErrors,
    label_error_findings,
    likely_label_errors,
)
from dlmath.attribution.why_patients import LeanedOn, WhyPatients, why_patients

__all__ = [
    "LeanedOn",
    "LikelyError",
    "LikelyErrors",
    "WhyPatients",
    "how_many",
    "label_error_findings",
    "likely_label_errors",
    "why_patients",
]
