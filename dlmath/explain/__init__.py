"""Why a model answers as it does, and what other patients would have given or would yet give."""

from dlmath.explain.how_many import how_many
from dlmath.explain.why_patients import LeanedOn, WhyPatients, why_patients

__all__ = ["LeanedOn", "WhyPatients", "how_many", "why_patients"]
