"""Training: the loop, the solver, checkpoints and devices."""

from dlmath.reporting import Reporter
from dlmath.training.plan import Plan, plan
from dlmath.training.train import resume, train

__all__ = ["Plan", "Reporter", "plan", "resume", "train"]
