import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import DataError
from dlmath.evaluation.metrics import binary_metrics
from dlmath.evaluation.prevalence import at_prevalence, prevalence_weights
from dlmath.inference.prevalence import check_prevalence, shift_probability
from dlmath.seeds import generator
from dlmath.stats.bootstrap import estimate

PREVALENCES = st.floats(0.001, 0.999)


def drawn(seed, n=60):
    """Truth, probabilities, and three weightings, both classes being in each."""
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.5
    positive[:2] = True, False
    weights = rng.integers(0, 4, (3, n)).astype(float)
    weights[:, :2] = 1
    return positive, rng.random(n), weights


def predictive_values(sensitivity, specificity, prevalence):
    """Bayes's theorem: Altman, Bland, "Diagnostic tests 2: predictive values", BMJ 309, 1994."""
    hits, rejections = sensitivity * prevalence, specificity * (1 - prevalence)
    alarms, misses = (1 - specificity) * (1 - prevalence), (1 - sensitivity) * prevalence
    with np.errstate(invalid="ignore"):
        return {"ppv": hits / (hits + alarms), "npv": rejections / (rejections + misses)}


def test_the_example_of_every_textbook():
    # 99 % sensitive and specific, one in a thousand ill: of 100 alarms 9 are true.
    positive = np.repeat([True, False], 100)
    probability = np.r_[np.ones(99), np.zeros(100), 1.0]

    def metrics(weights):
        return binary_metrics(positive, probability, 0.5, weights)

    values = at_prevalence(metrics, positive, 0.001)(np.ones((1, 200)))

    assert values["ppv"][0] == pytest.approx(0.00099 / (0.00099 + 0.00999))
    assert values["npv"][0] == pytest.approx(0.98901 / (0.98901 + 0.00001))


@settings(max_examples=50)
@given(st.integers(0, 10**6), PREVALENCES)
def test_weighting_the_images_gives_what_the_formula_gives(seed, prevalence):
    positive, probability, weights = drawn(seed)

    def metrics(weights):
        return binary_metrics(positive, probability, 0.5, weights)

    here, there = metrics(weights), at_prevalence(metrics, positive, prevalence)(weights)

    expected = predictive_values(here["sensitivity"], here["specificity"], prevalence)
    for name in ("ppv", "npv"):
        np.testing.assert_allclose(there[name], expected[name], rtol=1e-9, atol=1e-12)
    for name in ("sensitivity", "specificity", "auc"):
        np.testing.assert_allclose(there[name], here[name], rtol=1e-9)


@settings(max_examples=50)
@given(st.integers(0, 10**6), PREVALENCES)
def test_weights_have_the_prevalence_and_keep_their_sum(seed, prevalence):
    positive, _, weights = drawn(seed)

    moved = prevalence_weights(positive, weights, prevalence)

    np.testing.assert_allclose(moved.sum(axis=1), weights.sum(axis=1))
    np.testing.assert_allclose(moved[:, positive].sum(axis=1), prevalence * weights.sum(axis=1))


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), PREVALENCES, PREVALENCES)
def test_there_and_back_again_leaves_probabilities_as_they_were(probabilities, here, there):
    moved = shift_probability(np.array(probabilities), here, there)

    assert np.all((moved >= 0) & (moved <= 1))
    np.testing.assert_allclose(shift_probability(moved, there, here), probabilities, atol=1e-9)


def test_shifted_probabilities_mean_what_they_say_at_the_other_prevalence():
    # Scores N(1, 1) of the ill and N(-1, 1) of the healthy have the likelihood ratio exp(2 x).
    rng = np.random.default_rng(0)
    n, here, there = 200_000, 0.5, 0.1
    positive = rng.random(n) < there
    odds = np.exp(2 * rng.normal(np.where(positive, 1, -1))) * here / (1 - here)

    moved = shift_probability(odds / (1 + odds), here, there)

    for low, high in ((0.05, 0.15), (0.4, 0.6), (0.8, 0.95)):
        chosen = (moved > low) & (moved < high)
        error = 4 * np.sqrt(0.25 / chosen.sum())
        assert positive[chosen].mean() == pytest.approx(moved[chosen].mean(), abs=error)


def test_intervals_come_from_the_bootstrap_of_patients():
    positive, probability, _ = drawn(3, 200)
    score = 0.7 * probability + 0.3 * positive
    clusters = np.arange(200) // 2

    def metrics(weights):
        return binary_metrics(positive, score, 0.6, weights)

    found, _ = estimate(at_prevalence(metrics, positive, 0.02), clusters, generator(0), 200)

    assert found["ppv"].low < found["ppv"].value < found["ppv"].high < 0.5
    assert found["npv"].value > 0.98


def test_a_replicate_without_a_class_is_undefined():
    positive, weights = np.array([True, False]), np.array([[1.0, 0.0], [1.0, 1.0]])

    found = at_prevalence(lambda w: {"sum": w.sum(axis=1)}, positive, 0.3)(weights)

    np.testing.assert_array_equal(np.isnan(found["sum"]), [True, False])


@pytest.mark.parametrize("prevalence", [0.0, 1.0, 5.0, float("nan")])
def test_what_is_no_prevalence_is_refused(prevalence):
    with pytest.raises(DataError, match="Received: prevalence="):
        check_prevalence(prevalence)
