import numpy as np
import pytest

from dlmath.maths.activations import ACTIVATIONS

GRID = np.linspace(-4, 4, 400)  # 0 is none of these points


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_slope_is_the_derivative(name):
    activation = ACTIVATIONS[name]
    difference = (activation.value(GRID + 1e-6) - activation.value(GRID - 1e-6)) / 2e-6
    np.testing.assert_allclose(activation.slope(GRID), difference, atol=1e-8)


def test_relus_slope_at_zero_is_zero():
    assert ACTIVATIONS["relu"].slope(np.zeros(1)) == 0


@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "tanh"])
def test_the_usual_ones_do_not_decrease(name):
    assert np.diff(ACTIVATIONS[name].value(GRID)).min() >= 0


@pytest.mark.parametrize(("name", "low", "high"), [("sigmoid", 0, 1), ("tanh", -1, 1)])
def test_sigmoidal_ones_are_bounded_and_saturate(name, low, high):
    activation = ACTIVATIONS[name]
    ends = np.array([-1e3, 1e3])
    np.testing.assert_allclose(activation.value(ends), [low, high])
    np.testing.assert_allclose(activation.slope(ends), 0)
