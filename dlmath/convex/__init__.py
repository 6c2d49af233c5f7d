"""The convex head: multinomial logistic regression on fixed features, solved rather than trained.

The derivations are in `docs/convex_head.md`.
"""

from dlmath.convex.head import HeadFit, fit_head
from dlmath.convex.influence import Influence, patient_influence
from dlmath.convex.laplace import Laplace, Uncertain, laplace
from dlmath.convex.leave_out import LeftOut, leave_patients_out, ridge_without_patients
from dlmath.convex.mixing import Mixing
from dlmath.convex.path import Iteration, PathPoint

__all__ = [
    "HeadFit",
    "Influence",
    "Iteration",
    "Laplace",
    "LeftOut",
    "Mixing",
    "PathPoint",
    "Uncertain",
    "fit_head",
    "laplace",
    "leave_patients_out",
    "patient_influence",
    "ridge_without_patients",
]
