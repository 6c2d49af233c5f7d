"""Patient influence, likely label errors, and learning curves of runs whose head was solved."""

from dlmath.attribution.likely_errors import (
    LikelyError,
    LikelyErrors,
    label_error_findings,
    likely_label_errors,
)
from dlmath.attribution.patient_attribution import PatientInfluence, WhyPatients, why_patients
from dlmath.attribution.run_learning_curve import how_many

__all__ = [
    "LikelyError",
    "LikelyErrors",
    "PatientInfluence",
    "WhyPatients",
    "how_many",
    "label_error_findings",
    "likely_label_errors",
    "why_patients",
]
