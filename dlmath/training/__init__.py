"""Training: trainers, the runner, checkpoints and devices."""

from dlmath.reporting import Reporter
from dlmath.training.cross_validation import CrossValidation, cross_validate
from dlmath.training.dry_run import Plan, plan
from dlmath.training.new_run import train
from dlmath.training.reproduction import Reproduction, reproduce
from dlmath.training.resumed_run import resume

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
