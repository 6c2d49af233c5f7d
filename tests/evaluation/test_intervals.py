"""Which interval a metric gets, and whether the intervals hold the truth as often as they say."""

import importlib.util

import numpy as np
import pytest

from dlmath.convex import auc_with_interval
from dlmath.evaluation.intervals import BCA, DELONG, EXACT, Sample, measure_metrics
from dlmath.evaluation.metrics import METRICS
from dlmath.light.decider import Decider, Threshold
from dlmath.seeds import generator

BINARY = Decider(("NORMAL", "PNEUMONIA"), 16, "PNEUMONIA", Threshold(0.5, "validation"))
THREE = Decider(("a", "b", "c"), 16, None, None)


def binary_sample(positives=30, negatives=30, distance=1.0, seed=0) -> Sample:
    rng = np.random.default_rng(seed)
    truth = np.repeat([1, 0], [positives, negatives])
    probability = 1 / (1 + np.exp(-2 * (distance * (2 * truth - 1) + rng.normal(size=len(truth)))))
    both = np.column_stack([1 - probability, probability])
    return Sample(BINARY, truth, both, np.arange(len(truth)))


def measure(sample: Sample):
    return measure_metrics(sample, generator("test"), 300)


def test_the_bootstrap_gives_all_but_the_auc():
    sample = binary_sample()

    found = measure(sample)

    assert found.warnings == []
    assert found.methods == {name: DELONG if name == "auc" else BCA for name in METRICS}
    expected = auc_with_interval(sample.truth, sample.probabilities[:, 1], sample.clusters)
    assert found.metrics["auc"].low == expected.low
    assert found.metrics["auc"].high == expected.high


def test_perfect_figures_are_not_certain():
    found = measure(binary_sample(distance=8.0))

    edge = {name for name, method in found.methods.items() if method == EXACT}
    assert edge >= set(METRICS) - {"brier", "log_loss", "ece"}
    assert "At its end of the scale: accuracy" in found.warnings[0]
    for name in edge:
        assert found.metrics[name].value == 1
        assert found.metrics[name].low < 0.95
        assert found.metrics[name].high == 1
    # 30 of 30: the lower end of Clopper and Pearson is 0.025 ** (1 / 30).
    assert found.metrics["sensitivity"].low == pytest.approx(0.025 ** (1 / 30))
    assert found.metrics["mcc"].low == pytest.approx(2 * found.metrics["balanced_accuracy"].low - 1)


def test_certain_probabilities_leave_the_losses_unbounded_or_bounded_by_patients():
    truth = np.repeat([1, 0], 30)

    found = measure(Sample(BINARY, truth, np.eye(2)[truth], np.arange(60)))

    assert found.metrics["brier"].value == 0
    assert found.metrics["brier"].high == pytest.approx(1 - 0.025 ** (1 / 60))
    assert found.metrics["log_loss"].high is None
    assert "log_loss" not in found.methods
    assert any("no interval is given: log_loss" in warning for warning in found.warnings)


def test_few_patients_of_a_class_get_exact_intervals_with_a_warning():
    found = measure(binary_sample(negatives=9))

    assert "9 of NORMAL; fewer than 10" in found.warnings[0]
    exact = {"accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv", "f1"}
    assert {name for name, method in found.methods.items() if method == EXACT} == exact
    assert measure(binary_sample(negatives=10)).warnings == []


def test_many_images_of_few_patients_are_few():
    sample = binary_sample(90, 90)
    sample = Sample(BINARY, sample.truth, sample.probabilities, np.arange(180) // 18)

    found = measure(sample)

    assert "5 of NORMAL, 5 of PNEUMONIA" in found.warnings[0]


def test_exact_and_bootstrap_intervals_are_much_the_same_where_both_hold():
    sample = binary_sample(200, 200, distance=0.7)
    bootstrapped = measure(sample).metrics
    few = binary_sample(200, 9, distance=0.7)
    sample_of_few = Sample(BINARY, few.truth, few.probabilities, few.clusters)

    exact = measure(sample_of_few).metrics["sensitivity"]

    by_bootstrap = bootstrapped["sensitivity"]
    assert exact.value == by_bootstrap.value  # the same 200 positive images
    width = by_bootstrap.high - by_bootstrap.low
    assert exact.high - exact.low == pytest.approx(width, rel=0.15)


def test_macro_metrics_that_are_perfect():
    truth = np.repeat([0, 1, 2], 20)

    found = measure(Sample(THREE, truth, np.eye(3)[truth] * 0.7 + 0.1, np.arange(60)))

    assert found.methods["auc"] == EXACT
    assert found.metrics["auc"].low == pytest.approx(0.025 ** (1 / 20))
    assert found.metrics["mcc"].low == pytest.approx(
        (3 * found.metrics["balanced_accuracy"].low - 1) / 2
    )
    # Three shares of 20: their distances add as squares.
    down = (1 - 0.025 ** (1 / 20)) / np.sqrt(3)
    assert found.metrics["balanced_accuracy"].low == pytest.approx(1 - down)


@pytest.mark.slow
@pytest.mark.parametrize("per_patient", [1, 3])
def test_the_intervals_hold_the_truth(repository, per_patient):
    """500 simulated test parts of 300 images, a standard error of 1 %; patients make them wider."""
    spec = importlib.util.spec_from_file_location("c", repository / "benchmarks" / "coverage.py")
    coverage = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(coverage)

    held = coverage.coverage(per_patient, 500, 1_000)

    for name in coverage.METRICS:
        if name != "ece":  # its bias is larger than its spread, so no interval holds its truth
            assert 0.93 <= held[name] <= 0.975, name
