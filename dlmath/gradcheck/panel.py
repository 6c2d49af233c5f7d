"""A panel of all oracles on one subject: the evidence is gathered once, judged at any time."""

from typing import Any

import numpy as np
import tensorflow as tf

from dlmath.gradcheck import oracles
from dlmath.gradcheck.differentiable import Differentiable, tape_gradients

Errors = dict[str, dict[str, float | None]]  # by oracle, then by gradient


class Panel:
    """The evidence at one point: every oracle but the extremes, float32 and the calls.

    Args:
        subject: What is checked.
        upstream: Its upstream gradients.
        random: Draws the directions.
    """

    def __init__(
        self, subject: Differentiable, upstream: list[tf.Tensor], random: np.random.Generator
    ):
        self.subject = subject
        self.upstream = upstream
        given = (subject, upstream, random)
        self.judges: dict[str, dict[str, Any]] = {
            "tape": oracles.tape(*given),
            "differences": oracles.differences(*given),
            "taylor": oracles.taylor_slope(*given),
            "adjoint": oracles.adjoint(*given),
        }
        if subject.reference is not None:
            self.judges["reference"] = oracles.reference(*given)
        self.second_order = oracles.SecondOrder(*given)

    def errors(self) -> Errors:
        """Return the errors that the oracles measure on the backward pass as it is now.

        The bare backward pass is judged by all of them, and by the tape also the gradient that a
        model gets through the custom gradient: the wiring may be wrong too.
        """
        bare = self.subject.by_hand(self.upstream)
        wired = tape_gradients(self.subject.wired, self.subject.tensors, self.upstream)
        errors: Errors = {
            oracle: {name: judge(bare[name]) for name, judge in judges.items()}
            for oracle, judges in self.judges.items()
        }
        for name, judge in self.judges["tape"].items():
            errors["tape"][name] = max(judge(bare[name]), judge(wired[name]))
        errors["second_order"] = {**self.second_order.errors()}
        return errors
