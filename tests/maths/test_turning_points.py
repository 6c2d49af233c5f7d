"""Verdicts turn where theory says, on both sides of the place."""

import numpy as np
import pytest

from dlmath.maths import all_experiments

HOLD = [
    ("nonpolynomial-activation", {"activation": "sigmoid"}),
    ("nonpolynomial-activation", {"activation": "relu"}),
    ("nonpolynomial-activation", {"activation": "sine"}),
    ("sigmoid-staircase", {"steepness": 6.0}),
    ("sigmoid-staircase", {"steepness": 300.0}),
    ("extrapolation-fails", {"reach": 1.04}),
    ("extrapolation-fails", {"reach": -1.2}),
    ("ridge-trades-variance-for-bias", {"noise": 0.0}),
    ("ridge-trades-variance-for-bias", {"noise": 3.0}),
    ("spectral-norms-bound-the-slope", {"norm": 0.5}),
    ("convolution-commutes-with-shifts", {"stride": 2, "shift": 2}),
    ("convolution-commutes-with-shifts", {"stride": 3, "shift": 6}),
    ("padding-sees-the-border", {"kernel": 5}),
    ("padding-sees-the-border", {"kernel": 7}),
    ("squared-loss-and-outliers", {"rows": 11}),
    ("function-and-sequence", {"bias_input": 1.0}),
    ("function-and-sequence", {"bias_input": 2.5}),
    ("information-bottleneck", {"signal": 0.1}),
    ("information-bottleneck", {"signal": 0.2}),
    ("information-bottleneck", {"signal": 1.0}),
    ("hessian-spectrum", {"activation": "sine"}),
    ("rademacher-bound", {"outside": 0.9}),
]
FAIL = [
    ("nonpolynomial-activation", {"activation": "linear"}),
    ("sigmoid-staircase", {"activation": "tanh"}),
    ("bernstein-and-fourier", {"jump": 1e-3}),
    ("extrapolation-fails", {"reach": 1.03}),
    ("ridge-trades-variance-for-bias", {"correlation": 0.9}),
    ("drift-costs-at-most-the-distance", {"concept": 0.02}),
    ("drift-costs-at-most-the-distance", {"concept": -0.02}),
    ("spectral-norms-bound-the-slope", {"norm": 1.0001}),
    ("convolution-commutes-with-shifts", {"stride": 2, "shift": 3}),
    ("convolution-commutes-with-shifts", {"stride": 3, "shift": 2}),
    ("padding-sees-the-border", {"kernel": 2}),
    ("squared-loss-and-outliers", {"power": 1.9}),
    ("squared-loss-and-outliers", {"power": 2.1}),
    ("kernel-is-a-finite-difference", {"middle": -2.000001}),
    ("hoeffding-bound", {"copies": 2}),
    ("rademacher-bound", {"outside": 1.2}),
    ("information-bottleneck", {"told": 0.01}),
    ("function-and-sequence", {"spread": 1e-6}),
]


@pytest.mark.parametrize(("name", "arguments"), HOLD)
def test_it_holds_for_all_that_the_statement_is_of(name, arguments):
    result = all_experiments()[name].run(**arguments)
    assert result.holds, [check for check in result.checks if not check.holds]


@pytest.mark.parametrize(("name", "arguments"), FAIL)
def test_it_fails_just_beyond(name, arguments):
    assert not all_experiments()[name].run(**arguments).holds


@pytest.mark.parametrize("repeated", [1, 2, 7])
def test_each_point_with_two_labels_costs_one(repeated):
    result = all_experiments()["finite-labels-are-fitted"].run(repeated=repeated)
    share = next(c.value for c in result.checks if c.name.startswith("share of points"))
    assert share == pytest.approx(1 - repeated / 60)


@pytest.mark.parametrize(("reach", "worse"), [(1.0, False), (1.015, False), (1.025, True)])
def test_more_points_are_worse_beyond_the_ellipse_through_the_poles(reach, worse):
    # (r + 1 / r) / 2 = 1.0198 with r = 1/5 + sqrt(26) / 5.
    result = all_experiments()["extrapolation-fails"].run(reach=reach)
    growth = result.checks[-1]
    assert growth.name.startswith("error at the farthest place over")
    assert (growth.value > 1) == worse


@pytest.mark.parametrize("seed", range(3))
def test_a_label_turned_deep_inside_raises_the_degree(seed):
    one = all_experiments()["least-degree-is-found"]
    hulls = [c for c in one.run(flipped=1, seed=seed).checks if c.name.startswith("of the degree")]
    assert hulls[0].value < 1e-9
    assert np.isfinite(hulls[0].value)
