"""The convex head: multinomial logistic regression on fixed features, solved rather than trained.

The derivations are in `docs/convex_head.md`.
"""

from dlmath.linear_head.auc_curve import (
    CurvePoint,
    HeldBack,
    LearningCurve,
    learning_curve,
)
from dlmath.linear_head.head import HeadFit, fit_head
from dlmath.linear_head.influence import Influence, log_odds, patient_influence
from dlmath.linear_head.laplace_posterior import Laplace, Uncertain, laplace
from dlmath.linear_head.leave_out import LeftOut, leave_patients_out, ridge_without_patients
from dlmath.linear_head.mixing import Mixing
from dlmath.linear_head.regularization_path import Iteration, PathPoint

__all__ = [
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
    "fit_head",
    "laplace",
    "learning_curve",
    "leave_patients_out",
    "log_odds",
    "patient_influence",
    "ridge_without_patients",
]
