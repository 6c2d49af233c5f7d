import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve, roc_curve

from dlmath.evaluation.curve_bands import GRID, curves


def drawn(seed, n=300, patients=60, ties=False):
    rng = np.random.default_rng(seed)
    clusters = rng.permutation(np.arange(n) % patients)
    positive = rng.random(n) < 0.4
    positive[:2] = [True, False]
    score = 1 / (1 + np.exp(-rng.normal(positive * 1.5 - 0.5)))
    return positive, np.round(score, 1) if ties else score, clusters


def of(positive, score, clusters):
    return curves(positive, score, clusters, np.random.default_rng(0))


@pytest.mark.parametrize("ties", [False, True])
def test_roc_is_scikit_learns(ties):
    positive, score, clusters = drawn(1, ties=ties)
    x, y, _ = roc_curve(positive, score, drop_intermediate=False)
    last = np.diff(x, append=np.inf) > 0
    np.testing.assert_allclose(
        of(positive, score, clusters).roc.value, np.interp(GRID, x[last], y[last]), atol=1e-12
    )


@pytest.mark.parametrize("ties", [False, True])
def test_precision_is_that_of_the_highest_threshold_with_enough_recall(ties):
    positive, score, clusters = drawn(2, ties=ties)
    precision, recall, _ = precision_recall_curve(positive, score)
    found = of(positive, score, clusters).precision_recall.value
    for at, value in zip(GRID, found, strict=True):
        reached = np.flatnonzero(recall[:-1] >= at - 1e-12)  # scikit-learn's recall goes down
        assert value == pytest.approx(precision[reached[-1]], abs=1e-12)


def test_net_benefit_by_its_definition():
    positive, score, clusters = drawn(3)
    found = of(positive, score, clusters)
    for at in (0.0, 0.2, 0.5, 0.9):
        decided = score >= at
        hits, alarms = (decided & positive).mean(), (decided & ~positive).mean()
        row = int(np.flatnonzero(np.isclose(GRID, at))[0])
        assert found.net_benefit.value[row] == pytest.approx(hits - alarms * at / (1 - at))
    assert found.net_benefit.value[0] == pytest.approx(found.treat_all[0])


def test_reliability_of_calibrated_probabilities_lies_on_the_diagonal():
    rng = np.random.default_rng(4)
    score = rng.random(20_000)
    band = of(rng.random(20_000) < score, score, np.arange(20_000)).reliability
    assert len(band.x) == 10
    assert np.abs(band.value - band.x).max() < 0.05
    assert np.mean((band.low <= band.x) & (band.x <= band.high)) >= 0.6


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), ties=st.booleans())
def test_bands_hold_their_curves_and_stay_in_range(seed, ties):
    found = of(*drawn(seed, n=60, patients=20, ties=ties))
    for band in (found.roc, found.reliability):
        assert np.nanmin(band.low) >= 0
        assert np.nanmax(band.high) <= 1
        assert (np.nan_to_num(band.low) <= np.nan_to_num(band.high)).all()
    assert (np.diff(found.roc.value) >= -1e-12).all()


def test_copies_of_one_patients_images_are_no_further_evidence():
    positive, score, _ = drawn(5, n=60)
    copies = (np.repeat(positive, 5), np.repeat(score, 5))
    once = of(positive, score, np.arange(60)).roc
    by_patient = of(*copies, np.repeat(np.arange(60), 5)).roc
    by_image = of(*copies, np.arange(300)).roc
    np.testing.assert_array_equal(by_patient.low, once.low)
    assert (by_image.high - by_image.low).mean() < 0.7 * (once.high - once.low).mean()
