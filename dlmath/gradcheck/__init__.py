"""The checker of hand-written backward passes.

from dlmath import gradcheck

report = gradcheck.check("Conv2D")          # or gradcheck.check() for every layer
report = gradcheck.check(MyLayer(), reference=keras.layers.Dense(3))   # one of your own
assert report.passed, report.failures()
print(report.notes)                         # what limits the verdict

Three independent kinds of evidence are gathered (`EVIDENCE`): whether the backward pass is the
adjoint of this forward pass, whether both agree with a reference, and what they do in second
derivatives, at extremes and inputs of all sizes, in float32 and as a model calls them.

An `OwnCase` says how a layer of yours is called: its inputs, masks and states, and its reference.
"""

from dlmath.gradcheck.checker import EXPLAINED, TOLERANCE, check, check_case
from dlmath.gradcheck.oracles import LEAST_SLOPE
from dlmath.gradcheck.own_case import OwnCase
from dlmath.gradcheck.registry import CASES
from dlmath.gradcheck.report import EVIDENCE, ORACLES, Report, Row

__all__ = [
    "CASES",
    "EVIDENCE",
    "EXPLAINED",
    "LEAST_SLOPE",
    "ORACLES",
    "TOLERANCE",
    "OwnCase",
    "Report",
    "Row",
    "check",
    "check_case",
]
