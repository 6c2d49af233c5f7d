"""Why a model answers as it does, and what other patients would have given or would yet give."""

from dlmath.explain.evaluate_with_maps import evaluate
from dlmath.explain.examples import explain_examples
from dlmath.explain.explain_files import Explanation, NotExplained, explain_files
from dlmath.explain.heat_map import HeatMap
from dlmath.explain.how_many import how_many
from dlmath.explain.likely_errors import (
    LikelyError,
    LikelyErrors,
    label_error_findings,
    likely_label_errors,
)
from dlmath.explain.methods import METHODS
from dlmath.explain.why_patients import LeanedOn, WhyPatients, why_patients

__all__ = [
    "METHODS",
    "Explanation",
    "HeatMap",
    "LeanedOn",
    "LikelyError",
    "LikelyErrors",
    "NotExplained",
    "WhyPatients",
    "evaluate",
    "explain_examples",
    "explain_files",
    "how_many",
    "label_error_findings",
    "likely_label_errors",
    "why_patients",
]
