"""The checker of hand-written backward passes.

from dlmath import gradcheck

report = gradcheck.check("Conv2D")          # or gradcheck.check() for every layer
report = gradcheck.check(MyLayer())         # one of your own
assert report.passed, report.failures()
"""

from dlmath.gradcheck.check import LEAST_SLOPE, TOLERANCE, check, check_case
from dlmath.gradcheck.registry import CASES
from dlmath.gradcheck.report import ORACLES, Report, Row

__all__ = ["CASES", "LEAST_SLOPE", "ORACLES", "TOLERANCE", "Report", "Row", "check", "check_case"]
