"""Training: the loop, the solver, checkpoints and devices."""

from dlmath.reporting import Reporter
from dlmath.training.cross_validate import CrossValidation, cross_validate
from dlmath.training.plan import Plan, plan
from dlmath.training.reproduce import Reproduction, reproduce
from dlmath.training.resume import resume
from dlmath.training.train import train

__all__ = [
    "CrossValidation",
    "Plan",
    "Reporter",
    "Reproduction",
    "cross_validate",
    "plan",
    "reproduce",
    "resume",
    "train",
]
