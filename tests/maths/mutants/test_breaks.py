"""Breaks: each can be put in place, does what it says, and is gone after the block."""

import numpy as np
import pytest

from dlmath.maths import all_experiments
from dlmath.maths.activations import relu, sigmoid_slope
from dlmath.maths.convolution import average_pool, max_pool
from dlmath.maths.mutants.breaks import BREAKS, Break
from dlmath.maths.objectives import quadratic
from dlmath.maths.optimisers import Adam, RmsProp, minimise
from dlmath.maths.perceptron import standard_scale

IMAGE = np.arange(16.0).reshape(1, 4, 4)
COLUMN = np.array([[1.0], [3.0]])


def named(what):
    return next(one for one in BREAKS if one.what == what)


def first_step(way):
    return float(minimise(quadratic(np.ones(1)), np.ones(1), way, 1).points[-1, 0])


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.what)
def test_every_break_can_be_put_in_place(one):
    assert one.experiment in all_experiments()
    with one.installed():
        pass


@pytest.mark.parametrize(
    ("what", "value", "right", "wrong"),
    [
        ("RMSProp never moves", lambda: first_step(RmsProp(0.5, decay=0.75)), 0.0, 1.0),
        ("Adam steps uphill", lambda: first_step(Adam(0.5)), 0.5, 1.5),
        (
            "Adam without its first moment",
            lambda: first_step(Adam(0.5, bias_correction=False)) - 1,
            -0.05 / 0.001**0.5,
            -0.5 / 0.001**0.5,
        ),
        ("max pooling takes the minimum", lambda: max_pool(IMAGE, 2, 2)[0, 0, 0], 5.0, 0.0),
        ("average pooling sums", lambda: average_pool(IMAGE, 2, 2)[0, 0, 0], 2.5, 10.0),
        ("standard scaling adds the mean", lambda: standard_scale(COLUMN)[0, 0], -1.0, 3.0),
        ("the sigmoid's slope is the sigmoid", lambda: sigmoid_slope(np.zeros(1))[0], 0.25, 0.5),
        ("ReLU is leaky", lambda: relu(-np.ones(1))[0], 0.0, -0.1),
        ("ReLU is the absolute value", lambda: relu(-np.ones(1))[0], 0.0, 1.0),
    ],
)
def test_a_break_does_what_it_says_and_is_gone_afterwards(what, value, right, wrong):
    assert value() == pytest.approx(right, rel=1e-5, abs=1e-5)
    with named(what).installed():
        assert value() == pytest.approx(wrong, rel=1e-5, abs=1e-5)
    assert value() == pytest.approx(right, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    ("function", "variable"),
    [("RmsProp.jump", ""), ("RmsProp.step", "nothing"), ("compute.no", "")],
)
def test_a_break_of_nothing_is_refused(function, variable):
    wrong = Break("nothing", "rmsprop-is-scale-free", function, "0 * {}", variable)
    with pytest.raises(LookupError), wrong.installed():
        pass
