"""Melded intervals: of a single rate Clopper's and Pearson's, of a difference Fisher's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from dlmath.evaluation.melding import (
    bounded_mean,
    confusion_draws,
    interval_of,
    interval_of_difference,
)
from dlmath.seeds import generator
from dlmath.stats.proportions import effective_images, share_of_images

NAMES = ("accuracy", "balanced_accuracy", "ppv", "npv", "f1", "mcc")


def images(hits, positives, rejected, negatives):
    truth = np.repeat([1, 0], [positives, negatives])
    decision = np.r_[
        (np.arange(positives) < hits).astype(int), (np.arange(negatives) >= rejected).astype(int)
    ]
    return truth, decision


def draws(truth, decision, clusters=None, shares=None, classes=2):
    clusters = np.arange(len(truth)) if clusters is None else clusters
    about = [1] if classes == 2 else list(range(classes))
    random = generator("test")
    return confusion_draws(truth, decision, classes, clusters, about, random, shares)


@settings(max_examples=15)
@given(st.integers(0, 30), st.integers(0, 20))
def test_a_single_rate_has_the_exact_interval(hits, rejected):
    truth, decision = images(hits, 30, rejected, 20)

    found = draws(truth, decision)

    for name, hit, counted in (
        ("sensitivity", decision == 1, truth == 1),
        ("specificity", decision == 0, truth == 0),
    ):
        exact = share_of_images(hit, counted, np.arange(50))
        assert interval_of(found, name) == pytest.approx(exact[1:], abs=0.01)


@settings(max_examples=15)
@given(st.integers(1, 29), st.integers(1, 19), st.floats(0.01, 0.99))
def test_the_interval_holds_the_estimate(hits, rejected, prevalence):
    truth, decision = images(hits, 30, rejected, 20)

    found = draws(truth, decision, shares=np.array([1 - prevalence, prevalence]))

    sensitivity, specificity = hits / 30, rejected / 20
    alarms = (1 - specificity) * (1 - prevalence)
    ppv = sensitivity * prevalence / (sensitivity * prevalence + alarms)
    low, high = interval_of(found, "ppv")
    assert low < ppv < high
    low, high = interval_of(found, "accuracy")
    assert low < sensitivity * prevalence + specificity * (1 - prevalence) < high


def test_a_difference_against_the_published_method():
    """Melding of two rates is Fisher's exact inference: Fay, Proschan, Brittain 2015, theorem 1.

    The lower end of p1 - p2 is 0 where the one-sided p of Fisher's test is 2.5 %; with 7 of 7
    against 3 of 9 hits, the exact distribution of the two beta variables gives the end.
    """
    one, other = images(7, 7, 5, 5), images(3, 9, 5, 5)

    low, high = interval_of_difference(draws(*one), draws(*other), "sensitivity")

    random = np.random.default_rng(0)
    lower = beta(7, 1).rvs(200_000, random_state=random) - beta(4, 6).rvs(
        200_000, random_state=random
    )
    upper = 1 - beta(3, 7).rvs(200_000, random_state=random)
    assert low == pytest.approx(np.quantile(lower, 0.025), abs=0.01)
    assert high == pytest.approx(np.quantile(upper, 0.975), abs=0.01)


def test_copies_of_a_patients_images_say_nothing_new():
    truth, decision = images(9, 10, 10, 10)

    once = draws(truth, decision)
    copied = draws(np.repeat(truth, 5), np.repeat(decision, 5), np.repeat(np.arange(20), 5))

    assert effective_images(np.repeat(truth == 0, 5), np.ones(100, bool), np.arange(100) // 5) <= 20
    for name in NAMES:
        assert interval_of(copied, name) == pytest.approx(interval_of(once, name), abs=0.03), name


def test_of_three_classes_the_mistakes_are_divided_as_they_were():
    """Class 0 is mistaken only for class 1: class 2 keeps its predictive value."""
    truth = np.repeat([0, 1, 2], 100)
    decision = truth.copy()
    decision[:40] = 1

    found = draws(truth, decision, classes=3)

    low, high = interval_of(found, "ppv")
    # (1 + 100 / 140 + 1) / 3 = 0.905
    assert low < (1 + 100 / 140 + 1) / 3 < high
    assert low > 0.85
    assert interval_of(found, "accuracy")[0] < 260 / 300 < interval_of(found, "accuracy")[1]


@pytest.mark.parametrize("hits", [0, 3, 40])
def test_a_bounded_mean_of_zeros_and_ones_has_the_exact_interval(hits):
    terms, everything = (np.arange(40) < hits).astype(float), np.ones(40, bool)

    low, high = bounded_mean(terms, 1.0, np.arange(40), generator("test"))

    exact = share_of_images(terms == 1, everything, np.arange(40))
    assert (low, high) == pytest.approx(exact[1:], abs=0.01)


def test_a_bounded_mean_of_copies_is_that_of_the_patients():
    terms = np.random.default_rng(0).random(50)

    once = bounded_mean(terms, 1.0, np.arange(50), generator("test"))
    copied = bounded_mean(np.repeat(terms, 4), 1.0, np.repeat(np.arange(50), 4), generator("test"))

    assert copied == pytest.approx(once)
    assert once[0] < terms.mean() < once[1]
