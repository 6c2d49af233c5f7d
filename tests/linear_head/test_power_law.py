"""Inverse power laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.linear_head.power_law import PowerLaws, fit_power_laws

SIZES = np.geomspace(10, 3000, 8)


@settings(max_examples=50, deadline=None)
@given(asymptote=st.floats(0.8, 0.999), factor=st.floats(0.1, 1.5), exponent=st.floats(0.2, 1.5))
def test_a_power_law_is_found_again(asymptote: float, factor: float, exponent: float) -> None:
    values = asymptote - factor * SIZES[:, None] ** -exponent

    law = fit_power_laws(SIZES, values, np.ones(8))

    # The exponent lies on a grid of steps of 5 %.
    assert law.exponent[0] == pytest.approx(exponent, rel=0.05)
    assert law.asymptote[0] == pytest.approx(asymptote, abs=0.02)
    np.testing.assert_allclose(law.at(20_000.0), asymptote - factor * 20_000**-exponent, atol=0.02)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_curves_keep_to_their_bounds_and_rise(seed: int) -> None:
    rng = np.random.default_rng(seed)

    law = fit_power_laws(SIZES, rng.uniform(0.5, 1, (8, 5)), rng.uniform(0.1, 9, 8))

    assert (law.asymptote <= 1).all()
    assert (law.factor >= 0).all()
    assert (law.at(200.0) <= law.at(400.0)).all()


def test_each_curve_is_fitted_alone() -> None:
    values = np.random.default_rng(0).uniform(0.5, 1, (8, 4))

    together = fit_power_laws(SIZES, values, np.ones(8))
    alone = fit_power_laws(SIZES, values[:, 2:3], np.ones(8))

    assert together.asymptote[2] == pytest.approx(alone.asymptote[0])
    assert together.exponent[2] == alone.exponent[0]


def test_what_it_takes_to_reach_a_value() -> None:
    law = PowerLaws(np.array([0.98, 0.95]), np.array([0.5, 0.5]), np.array([0.5, 0.5]))

    sizes = law.reach(0.96)

    assert law.at(sizes[0])[0] == pytest.approx(0.96)
    assert sizes[1] == np.inf
