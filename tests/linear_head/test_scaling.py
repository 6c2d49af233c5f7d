import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from dlmath.errors import DataError
from dlmath.linear_head.scaling import Scaling, cross_entropy, fit_scaling, unscaled

SEEDS = st.integers(0, 10**6)


def drawn(seed, classes=2, n=200, true_slope=0.4):
    """Logits of a model that is too sure, and labels drawn at `true_slope` times them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 4, (n, classes)) + rng.normal(0, 50, (n, 1))  # a shift says nothing
    p = softmax(true_slope * logits, axis=1)
    labels = (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    labels[: 10 * classes] = np.repeat(np.arange(classes), 10)
    return logits, labels


@settings(max_examples=30)
@given(SEEDS, st.integers(2, 5), st.floats(0.3, 3))  # below, chance may turn the slope round
def test_no_other_temperature_has_less_loss(seed, classes, true_slope):
    logits, labels = drawn(seed, classes, true_slope=true_slope)

    found = fit_scaling(logits, labels, "temperature")

    least = cross_entropy(found(logits), labels)
    for factor in (0.9, 0.999, 1.001, 1.1):
        other = Scaling("temperature", factor * found.slope, found.offsets)
        assert cross_entropy(other(logits), labels) > least - 1e-13
    expected = minimize(lambda b: cross_entropy(b[0] * logits, labels), [0.5], tol=1e-12).x[0]
    assert found.slope == pytest.approx(expected, rel=1e-4)
    assert found.offsets == (0.0,) * classes


@settings(max_examples=30)
@given(SEEDS, st.floats(0.3, 2), st.floats(-2, 2))
def test_platt_is_the_optimum_for_his_soft_labels(seed, true_slope, shift):
    logits, labels = drawn(seed, true_slope=true_slope)
    logits[:, 1] += shift

    found = fit_scaling(logits, labels, "platt")

    counts = np.bincount(labels)
    soft = np.where(labels == 1, (counts[1] + 1) / (counts[1] + 2), 1 / (counts[0] + 2))
    distance = logits[:, 1] - logits[:, 0]
    p = expit(found.slope * distance + found.offsets[1] - found.offsets[0])
    # At the optimum the residuals are orthogonal to what the parameters multiply.
    assert np.mean(p - soft) == pytest.approx(0, abs=1e-8)
    assert np.mean((p - soft) * distance) == pytest.approx(0, abs=1e-7)


class TheLogits(ClassifierMixin, BaseEstimator):
    """A fitted binary classifier whose decision function is its one feature."""

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, x):
        return x[:, 0]

    def predict(self, x):
        return (x[:, 0] > 0).astype(int)


def test_platt_is_scikit_learns_sigmoid():
    logits, labels = drawn(0)
    distance = (logits[:, 1] - logits[:, 0])[:, np.newaxis]
    fitted = TheLogits().fit(distance, labels)
    theirs = CalibratedClassifierCV(FrozenEstimator(fitted), method="sigmoid")
    expected = theirs.fit(distance, labels).predict_proba(distance)

    found = fit_scaling(logits, labels, "platt")

    np.testing.assert_allclose(softmax(found(logits), axis=1), expected, atol=1e-5)


@settings(max_examples=30)
@given(SEEDS, st.sampled_from(["temperature", "platt"]))
def test_the_loss_falls_and_the_order_stays(seed, method):
    logits, labels = drawn(seed)

    found = fit_scaling(logits, labels, method)

    # Platt's soft labels may cost a little where nothing was to be gained.
    slack = 1e-12 if method == "temperature" else 1 / len(labels)
    assert cross_entropy(found(logits), labels) <= cross_entropy(logits, labels) + slack
    before, after = (z[:, 1] - z[:, 0] for z in (logits, found(logits)))
    np.testing.assert_array_equal(np.argsort(before), np.argsort(after))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_calibrated_already_needs_no_temperature(seed):
    logits, labels = drawn(seed, n=20_000, true_slope=1.0)

    # The standard error of the slope is about 0.03.
    assert fit_scaling(logits, labels, "temperature").slope == pytest.approx(1, abs=0.1)


@settings(max_examples=20)
@given(SEEDS, st.sampled_from(["temperature", "platt"]), st.floats(1e-3, 1e3))
def test_the_models_own_scale_does_not_matter(seed, method, factor):
    logits, labels = drawn(seed)

    found, of_scaled = (fit_scaling(z, labels, method) for z in (logits, factor * logits))

    np.testing.assert_allclose(
        softmax(found(logits), axis=1), softmax(of_scaled(factor * logits), axis=1), atol=1e-7
    )


@given(SEEDS, st.floats(0.1, 10), st.floats(-3, 3))
def test_the_last_layer_takes_the_scaling_in(seed, slope, offset):
    rng = np.random.default_rng(seed)
    features, kernel, bias = rng.normal(size=(7, 5)), rng.normal(size=(5, 2)), rng.normal(size=2)
    scaling = Scaling("platt", slope, (-offset, offset))

    folded, shifted = scaling.fold(kernel, bias)

    np.testing.assert_allclose(features @ folded + shifted, scaling(features @ kernel + bias))


def test_no_scaling_changes_nothing():
    logits = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(unscaled(3)(logits), logits)


@pytest.mark.parametrize("method", ["temperature", "platt"])
@pytest.mark.parametrize("few", [0, 9])
def test_one_class_or_too_few_images_are_refused(method, few):
    logits, labels = (
        np.random.default_rng(0).normal(size=(50, 2)),
        np.repeat([0, 1], [50 - few, few]),
    )

    with pytest.raises(DataError, match=f"at least 10 .* Received: {50 - few}, {few}"):
        fit_scaling(logits, labels, method)


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_logits_that_rank_the_wrong_way_round_are_refused(method):
    logits, labels = drawn(0)

    with pytest.raises(DataError, match="wrong way round"):
        fit_scaling(-logits, labels, method)


def test_separable_images_have_no_temperature_but_platt():
    labels = np.repeat([0, 1], 20)
    logits = np.column_stack([1 - labels, labels]) * np.arange(1, 41)[:, np.newaxis]

    with pytest.raises(DataError, match="on the right side"):
        fit_scaling(logits, labels, "temperature")
    found = fit_scaling(logits, labels, "platt")
    assert 0 < found.slope < 100


def test_platt_is_for_two_classes():
    with pytest.raises(ValueError, match="3 classes"):
        fit_scaling(np.zeros((40, 3)), np.repeat([0, 1, 2, 0], 10), "platt")
