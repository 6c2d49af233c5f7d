import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import approx_fprime
from sklearn.metrics import log_loss

from dlmath import seeds
from dlmath.maths.experiments.gradient_descent import bowl
from dlmath.maths.objectives import (
    least_squares,
    log_cosh,
    logistic_loss,
    quadratic,
    rosenbrock,
)

RNG = seeds.generator("test", "objectives")
FEATURES, LABELS = RNG.normal(size=(40, 2)), (RNG.random(40) < 0.5).astype(float)
EVERY = {
    "quadratic": quadratic(np.array([0.5, 4.0])),
    "rosenbrock": rosenbrock(),
    "log cosh": log_cosh(),
    "logistic": logistic_loss(FEATURES, LABELS, l2=0.1),
    "least squares": least_squares(FEATURES, LABELS),
}
POINTS = arrays(float, 2, elements=st.floats(-2, 2, allow_subnormal=False))


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=20)
@given(point=POINTS)
def test_derivatives_are_those_of_the_value(name, point):
    function = EVERY[name]
    scale = 1 + np.abs(function.gradient(point)).max()
    slope = approx_fprime(point, function.value, 1e-7)
    np.testing.assert_allclose(function.gradient(point), slope, atol=1e-3 * scale)
    bend = np.array(
        [approx_fprime(point, lambda x, i=i: function.gradient(x)[i], 1e-7) for i in (0, 1)]
    )
    np.testing.assert_allclose(function.hessian(point), bend, atol=1e-3 * scale)


@settings(max_examples=50)
@given(x=POINTS, y=POINTS)
def test_the_bowl_is_strongly_convex_and_smooth_as_it_says(x, y):
    function = bowl(2, 0.5, 10.0, seed=3)
    step, change = y - x, function.gradient(y) - function.gradient(x)
    assert change @ step >= 0.5 * step @ step - 1e-9
    assert np.linalg.norm(change) <= 10.0 * np.linalg.norm(step) + 1e-9


def test_the_logistic_loss_is_scikit_learns():
    w = np.array([0.3, -1.0])
    p = 1 / (1 + np.exp(-FEATURES @ w))
    assert logistic_loss(FEATURES, LABELS).value(w) == pytest.approx(log_loss(LABELS, p))


def test_the_logistic_loss_is_finite_far_out():
    loss = logistic_loss(FEATURES, LABELS)
    assert np.isfinite(loss.value(np.full(2, 1e6)))
    assert np.isfinite(loss.gradient(np.full(2, 1e6))).all()
