"""Which interval a metric gets, and whether the intervals hold the truth as often as they say."""

import numpy as np
import pytest

from benchmarks.studies import coverage
from dlmath.evaluation.intervals import (
    BCA,
    BOUNDED,
    DELONG,
    EXACT,
    INVERTED,
    MELDED,
    Sample,
    difference_ends,
    measure_metrics,
)
from dlmath.evaluation.metric_table import METRICS, names_of
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.seeds import generator
from dlmath.stats import auc_with_interval

BINARY = DecisionRule(("NORMAL", "PNEUMONIA"), 16, "PNEUMONIA", Threshold(0.5, "validation"))
THREE = DecisionRule(("a", "b", "c"), 16, None, None)


def binary_sample(positives=30, negatives=30, distance=1.0, seed=0) -> Sample:
    rng = np.random.default_rng(seed)
    truth = np.repeat([1, 0], [positives, negatives])
    probability = 1 / (1 + np.exp(-2 * (distance * (2 * truth - 1) + rng.normal(size=len(truth)))))
    both = np.column_stack([1 - probability, probability])
    return Sample(BINARY, truth, both, np.arange(len(truth)))


def measure(sample: Sample):
    return measure_metrics(sample, generator("test"), 300)


def decided(hits, positives, rejected, negatives) -> Sample:
    """Of so many positive and negative images as many are decided rightly."""
    truth = np.repeat([1, 0], [positives, negatives])
    score = np.r_[
        np.where(np.arange(positives) < hits, 0.9, 0.2),
        np.where(np.arange(negatives) < rejected, 0.1, 0.8),
    ]
    return Sample(BINARY, truth, np.column_stack([1 - score, score]), np.arange(len(truth)))


def test_each_metric_has_the_interval_that_suits_it():
    sample = binary_sample(50, 50)

    found = measure(sample)

    assert found.warnings == []
    shares = {"accuracy", "sensitivity", "specificity", "ppv", "npv", "f1"}
    composed = set(names_of("decision")) - shares
    assert composed >= {"balanced_accuracy", "mcc"}
    assert found.methods == {
        **dict.fromkeys(shares, EXACT),
        **dict.fromkeys(composed, MELDED),
        **dict.fromkeys(("average_precision", "brier", "log_loss"), BCA),
        "auc": DELONG,
        "ece": INVERTED,
    }
    assert set(found.metrics) == set(METRICS)
    expected = auc_with_interval(sample.truth, sample.probabilities[:, 1], sample.clusters)
    assert found.metrics["auc"].low == expected.low
    assert found.metrics["auc"].high == expected.high


def test_balanced_accuracy_carries_the_doubt_of_a_specificity_of_one():
    """33 of 38 and 38 of 38: half of 1 + sensitivity would be [0.86, 0.98] with a certain 1."""
    found = measure(decided(33, 38, 38, 38)).metrics

    assert found["specificity"].low == pytest.approx(0.025 ** (1 / 38))
    assert found["balanced_accuracy"].value == pytest.approx((33 / 38 + 1) / 2)
    halves = (found["sensitivity"].low + 1) / 2
    assert found["balanced_accuracy"].low < halves - 0.01
    # Both at their ends at once is rarer than one of them.
    both = (found["sensitivity"].low + found["specificity"].low) / 2
    assert found["balanced_accuracy"].low > both


@pytest.mark.parametrize("name", ["balanced_accuracy", "mcc", "f1"])
def test_more_images_say_more(name):
    few, many = (measure(decided(9 * n, 10 * n, 10 * n, 10 * n)).metrics[name] for n in (1, 20))

    assert few.value == pytest.approx(many.value)
    assert many.low > few.low
    assert many.high < few.high


def test_perfect_metrics_are_not_certain():
    found = measure(binary_sample(distance=8.0))

    for name in set(METRICS) - {"brier", "log_loss", "ece"}:
        assert found.metrics[name].value == 1
        assert found.metrics[name].low < 0.95
        assert found.metrics[name].high == 1
    # 30 of 30: the lower end of Clopper and Pearson is 0.025 ** (1 / 30).
    assert found.metrics["sensitivity"].low == pytest.approx(0.025 ** (1 / 30))


def test_losses_without_mistakes_allow_for_one():
    truth = np.repeat([1, 0], 30)

    found = measure(Sample(BINARY, truth, np.eye(2)[truth], np.arange(60)))

    for name, worst in (("brier", 1), ("log_loss", -np.log(np.finfo(float).eps))):
        assert found.methods[name] == BOUNDED
        assert found.metrics[name].value == pytest.approx(0, abs=1e-12)
        # As of a share of 0 of 60.
        bound = worst * (1 - 0.025 ** (1 / 60))
        assert found.metrics[name].high == pytest.approx(bound, rel=0.02)


def test_few_patients_of_a_class_are_warned_of():
    found = measure(binary_sample(negatives=9))

    assert "9 of NORMAL, 3 with a wrong decision; fewer than 10" in found.warnings[0]
    assert "the intervals of average precision, ECE, which" in found.warnings[0]
    assert measure(binary_sample(50, 50)).warnings == []  # 18 of them decided wrongly


def test_many_images_of_few_patients_are_few():
    sample = binary_sample(90, 90)
    sample = Sample(BINARY, sample.truth, sample.probabilities, np.arange(180) // 18)

    found = measure(sample)

    assert "5 of NORMAL, 5 of PNEUMONIA" in found.warnings[0]


def test_macro_metrics_that_are_perfect():
    truth = np.repeat([0, 1, 2], 20)

    found = measure(Sample(THREE, truth, np.eye(3)[truth] * 0.7 + 0.1, np.arange(60)))

    assert found.methods["auc"] == EXACT
    assert found.metrics["auc"].low == pytest.approx(0.025 ** (1 / 20))
    # The mean of three shares of 20 of 20, each of which is at least u ** (1 / 20).
    uniform = np.random.default_rng(0).random((100_000, 3))
    expected = np.quantile((uniform ** (1 / 20)).mean(axis=1), 0.025)
    assert found.metrics["balanced_accuracy"].low == pytest.approx(expected, abs=0.002)
    for name in ("sensitivity", "specificity", "ppv", "npv", "f1", "mcc"):
        assert found.methods[name] == MELDED
        assert 0.7 < found.metrics[name].low < 0.99, name


def test_a_sample_of_one_class_has_what_is_defined():
    found = measure(decided(18, 20, 0, 0))

    assert found.methods["sensitivity"] == EXACT
    assert found.metrics["specificity"].value is None
    assert found.metrics["balanced_accuracy"].low is None


def test_a_difference_of_perfect_rates_is_not_certain():
    one, other = decided(33, 38, 38, 38), decided(30, 38, 38, 38)

    found = difference_ends(one, other)

    assert "accuracy" not in found
    assert "sensitivity" not in found  # neither rate is at its end: the bootstrap of pairs serves
    assert found["specificity"][0] < -0.05
    assert found["specificity"][1] > 0.05
    low, high = found["balanced_accuracy"]
    assert low < (33 - 30) / 38 / 2 < high
    assert difference_ends(decided(33, 38, 37, 38), decided(30, 38, 36, 38)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["300 patients, one image each", "40 images near 1"])
def test_the_intervals_hold_the_truth(setting):
    """300 simulated test parts; exact intervals hold the truth more often than in 95 % of them."""
    held = coverage.coverage(coverage.SETTINGS[setting], 300, 500)

    least = 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300)  # three standard errors below: 0.912
    metrics = (*coverage.AT_PREVALENCE, "auc", "brier", "log_loss", "ece")
    for name in (*names_of("decision"), *metrics):
        assert held[name] >= least, name
