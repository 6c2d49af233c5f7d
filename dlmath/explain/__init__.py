"""Why a model answers as it does: the training patients on which a prediction leans."""

from dlmath.explain.why_patients import LeanedOn, WhyPatients, why_patients

__all__ = ["LeanedOn", "WhyPatients", "why_patients"]
