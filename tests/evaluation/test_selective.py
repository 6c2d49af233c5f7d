import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import DataError
from dlmath.evaluation.selective import (
    abstain_at_coverage,
    abstain_at_risk,
    binary_confidence,
    risk_coverage,
    selective_metrics,
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
    assert curve.area == pytest.approx((0 + 2 * (1 / 3) + 1 / 4 + 2 / 5) / 5)


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
        found = selective_metrics(wrong, answered, np.ones((1, len(wrong))))
        assert found["coverage"][0] == pytest.approx(coverage)
        assert found["risk"][0] == pytest.approx(risk)


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


def test_confidence_is_least_at_the_threshold_and_counts_odds():
    confidence = binary_confidence(np.array([0.2, 0.02, 0.5, 0.0, 1.0]), 0.2)

    assert confidence[0] == 0
    assert confidence[1] > confidence[2]  # odds of 1:49 are 12 times 1:4, 1:1 are 4 times
    assert np.all(np.isfinite(confidence))


def test_nothing_answered_has_no_risk():
    found = selective_metrics(WRONG, np.zeros(5, bool), np.ones((1, 5)))

    assert found["coverage"][0] == 0
    assert np.isnan(found["risk"][0])


@pytest.mark.parametrize("coverage", [0.0, 1.5, float("nan")])
def test_what_is_no_coverage_is_refused(coverage):
    with pytest.raises(DataError, match="Received: coverage="):
        abstain_at_coverage(WRONG, CONFIDENCE, coverage)


@pytest.mark.parametrize("risk", [-0.1, 1.0, float("nan")])
def test_what_is_no_risk_is_refused(risk):
    with pytest.raises(DataError, match="Received: risk="):
        abstain_at_risk(WRONG, CONFIDENCE, risk)
