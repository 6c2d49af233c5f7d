"""The convex head: multinomial logistic regression on fixed features, solved rather than trained.

The derivations are in `docs/convex_head.md`.
"""

from dlmath.convex.auc_interval import AucInterval, AucParts, auc_parts, auc_with_interval
from dlmath.convex.head import HeadFit, fit_head
from dlmath.convex.influence import Influence, log_odds, patient_influence
from dlmath.convex.laplace import Laplace, Uncertain, laplace
from dlmath.convex.learning_curve import (
    CurvePoint,
    HeldBack,
    LearningCurve,
    learning_curve,
)
from dlmath.convex.leave_out import LeftOut, leave_patients_out, ridge_without_patients
from dlmath.convex.mixing import Mixing
from dlmath.convex.path import Iteration, PathPoint

__all__ = [
    "AucInterval",
    "AucParts",
    "CurvePoint",
    "HeadFit",
    "HeldBack",
    "Influence",
    "Iteration",
    "Laplace",
    "LearningCurve",
    "LeftOut",
    "Mixing",
    "PathPoint",
    "Uncertain",
    "auc_parts",
    "auc_with_interval",
    "fit_head",
    "laplace",
    "learning_curve",
    "leave_patients_out",
    "log_odds",
    "patient_influence",
    "ridge_without_patients",
]
