"""What an experiment is about, made wrong in one place after another, and whether it notices."""

from dlmath.maths.mutants.explained import Explanation, Explanations
from dlmath.maths.mutants.targets import Mutant, Target, targets_of
from dlmath.maths.mutants.verdicts import NOTICED, Audit, Judged, audit, audit_all

__all__ = [
    "NOTICED",
    "Audit",
    "Explanation",
    "Explanations",
    "Judged",
    "Mutant",
    "Target",
    "audit",
    "audit_all",
    "targets_of",
]
