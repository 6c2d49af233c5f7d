import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import DataError
from dlmath.evaluation.selective import (
    abstain_at_coverage,
    abstain_at_risk,
    risk_area,
    risk_coverage,
)

WRONG = np.array([False, True, False, True, False])
CONFIDENCE = np.array([5.0, 4.0, 4.0, 1.0, 3.0])


@st.composite
def samples(draw):
    rows = draw(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=40))
    wrong, confidence = (np.array(column) for column in zip(*rows, strict=True))
    return wrong, confidence.astype(float)


def test_the_curve_of_five_images():
    curve = risk_coverage(WRONG, CONFIDENCE)

    np.testing.assert_array_equal(curve.confidence, [5, 4, 3, 1])
    np.testing.assert_allclose(curve.coverage, [0.2, 0.6, 0.8, 1])
    np.testing.assert_allclose(curve.risk, [0, 1 / 3, 1 / 4, 2 / 5])
    (area,) = risk_area(WRONG, CONFIDENCE)(np.ones((1, 5)))["area"]
    assert area == pytest.approx((0 + 2 * (1 / 3) + 1 / 4 + 2 / 5) / 5)


@settings(max_examples=60)
@given(samples())
def test_every_point_is_what_answering_from_there_on_gives(sample):
    wrong, confidence = sample

    curve = risk_coverage(wrong, confidence)

    assert curve.coverage[-1] == 1
    assert curve.risk[-1] == pytest.approx(wrong.mean())
    for least, coverage, risk in zip(curve.confidence, curve.coverage, curve.risk, strict=True):
        answered = confidence >= least
        assert coverage == pytest.approx(answered.mean())
        assert risk == pytest.approx(wrong[answered].mean())


@settings(max_examples=60)
@given(samples(), st.integers(0, 2**31 - 1))
def test_a_weight_is_so_many_copies(sample, seed):
    wrong, confidence = sample
    times = np.random.default_rng(seed).integers(0, 4, (1, len(wrong)))
    copies = np.repeat(np.arange(len(wrong)), times[0])

    (weighted,) = risk_area(wrong, confidence)(times.astype(float))["area"]

    if not len(copies):
        assert np.isnan(weighted)
        return
    (copied,) = risk_area(wrong[copies], confidence[copies])(np.ones((1, len(copies))))["area"]
    assert weighted == pytest.approx(copied)


def test_confidence_that_says_nothing_has_the_risk_of_all():
    (area,) = risk_area(WRONG, np.ones(5))(np.ones((1, 5)))["area"]

    assert area == pytest.approx(WRONG.mean())


@settings(max_examples=60)
@given(samples(), st.floats(0.01, 1))
def test_a_coverage_is_reached_and_no_confidence_above_would_do(sample, coverage):
    wrong, confidence = sample

    rule = abstain_at_coverage(wrong, confidence, coverage)

    assert np.mean(confidence >= rule.confidence) == pytest.approx(rule.coverage)
    assert rule.coverage >= coverage - 1e-12
    assert np.mean(confidence > rule.confidence) < coverage


@settings(max_examples=60)
@given(samples(), st.floats(0, 0.99))
def test_a_risk_is_kept_and_no_larger_share_would_keep_it(sample, risk):
    wrong, confidence = sample
    kept = [
        least
        for least in np.unique(confidence)
        if wrong[confidence >= least].mean() <= risk + 1e-12
    ]

    if not kept:
        with pytest.raises(DataError, match="even those of the highest confidence"):
            abstain_at_risk(wrong, confidence, risk)
        return
    rule = abstain_at_risk(wrong, confidence, risk)

    assert rule.confidence == min(kept)
    assert rule.risk <= risk + 1e-12


@pytest.mark.parametrize("coverage", [0.0, 1.5, float("nan")])
def test_what_is_no_coverage_is_refused(coverage):
    with pytest.raises(DataError, match="Received: coverage="):
        abstain_at_coverage(WRONG, CONFIDENCE, coverage)


@pytest.mark.parametrize("risk", [-0.1, 1.0, float("nan")])
def test_what_is_no_risk_is_refused(risk):
    with pytest.raises(DataError, match="Received: risk="):
        abstain_at_risk(WRONG, CONFIDENCE, risk)
