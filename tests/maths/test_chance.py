import numpy as np
import pytest

from dlmath import seeds
from dlmath.maths.chance import frequency_range, mean_range, standard_error


@pytest.mark.parametrize("chance", [0.01, 0.3, 0.95])
def test_a_share_outside_of_the_range_is_as_rare_as_asked(chance):
    low, high = frequency_range(chance, 50, rare=0.05)
    counts = seeds.generator("test", "frequency").binomial(50, chance, 20_000) / 50
    assert np.mean(counts < low) <= 0.055
    assert np.mean(counts > high) <= 0.055


def test_the_ends_of_the_range_are_the_binomial_laws():
    # P(Bin(2, 1/2) = 0) = 1/4: a share of 0 is not rarer than 0.2, and rarer than 0.3.
    assert frequency_range(0.5, 2, rare=0.2)[0] == 0
    assert frequency_range(0.5, 2, rare=0.3)[0] == 0.5
    assert frequency_range(np.array([0.0, 1.0]), 10)[1].tolist() == [0.0, 1.0]


def test_the_interval_of_a_mean_misses_as_often_as_asked():
    values = seeds.generator("test", "means").normal(size=(8, 20_000))
    low, high = mean_range(values, rare=0.05)
    assert np.mean(low > 0) == pytest.approx(0.05, abs=0.006)
    assert np.mean(high < 0) == pytest.approx(0.05, abs=0.006)


def test_the_standard_error_divides_by_one_draw_less():
    assert standard_error(np.array([0.0, 2.0])) == pytest.approx(1)
