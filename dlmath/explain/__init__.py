"""Why a model answers as it does, and what other patients would have given or would yet give."""

from dlmath.explain.how_many import how_many
from dlmath.explain.likely_errors import (
    LikelyError,
    LikelyErrors,
    label_error_findings,
    likely_label_errors,
)
from dlmath.explain.why_patients import LeanedOn, WhyPatients, why_patients

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
