"""All oracles on one subject: their evidence gathered once, their judgement given at any time."""

from typing import Any

import numpy as np
import tensorflow as tf

from dlmath.gradcheck import oracles
from dlmath.gradcheck.subject import Subject, tape_gradients

Figures = dict[str, dict[str, float | None]]  # by oracle, then by gradient


class Panel:
    """The evidence of every oracle but the extremes on one subject.

    Args:
        subject: What is checked.
        upstream: Its upstream gradients.
        random: Draws the directions.
    """

    def __init__(self, subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator):
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
            self.judges["keras"] = oracles.reference(*given)
        self.second_order = oracles.SecondOrder(*given)

    def figures(self) -> Figures:
        """What the oracles say of the backward pass as it is now.

        The bare backward pass is judged by all of them, and by the tape also the gradient that a
        model gets through the custom gradient: the wiring may be wrong too.
        """
        bare = self.subject.by_hand(self.upstream)
        wired = tape_gradients(self.subject.wired, self.subject.tensors, self.upstream)
        figures: Figures = {
            oracle: {name: judge(bare[name]) for name, judge in judges.items()}
            for oracle, judges in self.judges.items()
        }
        for name, judge in self.judges["tape"].items():
            figures["tape"][name] = max(judge(bare[name]), judge(wired[name]))
        figures["second_order"] = {**self.second_order.figures()}
        return figures
