"""The convex head: multinomial logistic regression on fixed features, solved rather than trained.

The derivations are in `docs/convex_head.md`.
"""

from dlmath.convex.head import HeadFit, fit_head
from dlmath.convex.mixing import Mixing
from dlmath.convex.path import Iteration, PathPoint

__all__ = ["HeadFit", "Iteration", "Mixing", "PathPoint", "fit_head"]
