"""Statistics are compared between patients, and p is corrected for their number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from dlmath.audit.group_differences import differences, holm

p_values = st.lists(st.floats(0, 1), max_size=12)


def test_holm_is_as_in_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(p=p_values)
def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni(p):
    corrected = holm(p)
    assert all(a <= b <= min(1, len(p) * a + 1e-12) for a, b in zip(p, corrected, strict=True))
    order = np.argsort(p, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()


def test_values_are_averaged_over_each_patient():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 5)
    of_b = groups >= 10
    values = rng.normal(size=100) + of_b
    (found,) = differences({"size": values}, of_b, groups)
    means = values.reshape(20, 5).mean(axis=1)
    assert found["p"] == pytest.approx(ks_2samp(means[:10], means[10:], method="asymp").pvalue)
    spread = np.sqrt((means[:10].var(ddof=1) + means[10:].var(ddof=1)) / 2)
    assert found["difference"] == pytest.approx((means[10:].mean() - means[:10].mean()) / spread)


def test_the_most_different_comes_first_and_missing_values_are_left_out():
    of_b = np.arange(40) >= 20
    rng = np.random.default_rng(0)
    quality = np.where(np.arange(40) % 2, np.nan, rng.normal(size=40) + 2 * of_b)
    lone = np.where(np.arange(40) == 3, 1.0, np.nan)
    found = differences(
        {"noise": rng.normal(size=40), "quality": quality, "side": of_b * 1.0, "lone": lone},
        of_b,
        np.arange(40),
    )
    assert [one["name"] for one in found] == ["side", "quality", "noise"]
    assert found[0]["difference"] is None  # no spread to measure it by
