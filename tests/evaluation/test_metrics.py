"""Our metrics against scikit-learn, which weights one sample at a time."""

import warnings

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.evaluation.calibration import ECE_BINS, binned_gaps
from dlmath.evaluation.metric_table import METRICS
from dlmath.evaluation.metrics import binary_metrics, multiclass_metrics

ONES = np.ones((1, 4))


@st.composite
def binary_samples(draw):
    """Truth, scores with many ties, threshold, and replicates with some images left out."""
    n = draw(st.integers(4, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth = rng.integers(0, 2, n)
    truth[:2] = 0, 1
    levels = draw(st.sampled_from([3, 11, 10**9]))
    probability = rng.integers(0, levels + 1, n) / levels
    weights = rng.integers(0, 4, (2, n)).astype(float)
    weights[:, :2] = 1  # both classes stay
    return truth, probability, draw(st.sampled_from([0.0, 0.3, 1 / 3, 0.5, 1.0])), weights


def sklearn_binary(truth, probability, threshold, weight) -> dict[str, float]:
    decision = (probability >= threshold).astype(int)
    matrix = sk.confusion_matrix(truth, decision, labels=[0, 1], sample_weight=weight)
    (tn, fp), (fn, tp) = matrix
    of_decision = {"sample_weight": weight}
    expected = {
        "accuracy": sk.accuracy_score(truth, decision, **of_decision),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, decision, **of_decision),
        "auc": sk.roc_auc_score(truth, probability, **of_decision),
        "average_precision": sk.average_precision_score(truth, probability, **of_decision),
        "sensitivity": sk.recall_score(truth, decision, **of_decision),
        "specificity": sk.recall_score(truth, decision, pos_label=0, **of_decision),
        "brier": sk.brier_score_loss(truth, probability, **of_decision),
        "log_loss": sk.log_loss(truth, probability, **of_decision),
        "f1": sk.f1_score(truth, decision, **of_decision),
    }
    if tp + fp:
        expected["ppv"] = sk.precision_score(truth, decision, **of_decision)
    if tn + fn:
        expected["npv"] = sk.precision_score(truth, decision, pos_label=0, **of_decision)
    if tp + fp and tn + fn:
        expected["mcc"] = sk.matthews_corrcoef(truth, decision, **of_decision)
    return expected


@settings(max_examples=40)
@given(binary_samples())
def test_binary_metrics_equal_those_of_scikit_learn(sample):
    truth, probability, threshold, weights = sample

    ours = binary_metrics(truth, probability, threshold, weights)

    assert tuple(ours) == tuple(METRICS)
    for row, weight in enumerate(weights):
        expected = sklearn_binary(truth, probability, threshold, weight)
        for name in METRICS:
            if name in expected:
                assert ours[name][row] == pytest.approx(expected[name], rel=1e-12, abs=1e-12), name
            elif name != "ece":
                undefined = np.isnan(ours[name][row])
                assert undefined, f"{name}: enter scikit-learn's value in sklearn_binary"


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(3, 5), st.integers(10, 60))
def test_multiclass_metrics_equal_those_of_scikit_learn(seed, classes, n):
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), rng.integers(0, classes, n)])
    probabilities = rng.integers(1, 9, (len(truth), classes)).astype(float)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    probabilities[:classes] = np.eye(classes) * 0.9 + 0.1 / classes  # each is decided once
    weight = rng.integers(1, 4, len(truth)).astype(float)

    ours = multiclass_metrics(truth, probabilities, weight[None])

    decision = probabilities.argmax(axis=1)
    one_hot = np.eye(classes)[truth]
    macro = {"sample_weight": weight, "average": "macro"}
    expected = {
        "accuracy": sk.accuracy_score(truth, decision, sample_weight=weight),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, decision, sample_weight=weight),
        "auc": sk.roc_auc_score(one_hot, probabilities, **macro),
        "average_precision": sk.average_precision_score(one_hot, probabilities, **macro),
        "sensitivity": sk.recall_score(truth, decision, **macro),
        "ppv": sk.precision_score(truth, decision, **macro),
        "f1": sk.f1_score(truth, decision, **macro),
        "mcc": sk.matthews_corrcoef(truth, decision, sample_weight=weight),
        "brier": sk.brier_score_loss(truth, probabilities, sample_weight=weight),
        "log_loss": sk.log_loss(truth, probabilities, sample_weight=weight),
    }
    assert tuple(ours) == tuple(METRICS)
    for name, value in expected.items():
        assert ours[name][0] == pytest.approx(value, rel=1e-12, abs=1e-12), name
    specificities = [
        sk.recall_score(truth == k, decision == k, pos_label=False, sample_weight=weight)
        for k in range(classes)
    ]
    assert ours["specificity"][0] == pytest.approx(np.mean(specificities), rel=1e-12)


def test_a_worked_example():
    truth = np.array([1, 1, 0, 0])
    probability = np.array([0.9, 0.4, 0.6, 0.1])

    metrics = binary_metrics(truth, probability, 0.5, ONES)

    assert metrics["accuracy"] == 0.5
    assert metrics["sensitivity"] == 0.5
    assert metrics["auc"] == 0.75  # 3 of 4 pairs are in order
    assert metrics["mcc"] == 0
    assert metrics["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)


def test_a_score_at_the_threshold_is_positive():
    truth, probability = np.array([1, 1, 0, 0]), np.array([0.5, 0.5, 0.4, 0.4])

    assert binary_metrics(truth, probability, 0.5, ONES)["accuracy"] == 1


@pytest.mark.parametrize(
    ("truth", "undefined"),
    [
        ([0, 0, 0, 0], {"auc", "average_precision", "balanced_accuracy", "sensitivity", "mcc"}),
        ([1, 1, 1, 1], {"auc", "balanced_accuracy", "specificity", "mcc"}),
    ],
)
def test_one_class_leaves_metrics_undefined_without_a_warning(truth, undefined):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics = binary_metrics(np.array(truth), np.array([0.2, 0.4, 0.6, 0.8]), 0.5, ONES)

    assert {name for name, value in metrics.items() if np.isnan(value[0])} == undefined


def test_certain_and_wrong_is_a_large_loss_but_finite():
    metrics = binary_metrics(np.array([1, 0]), np.array([0.0, 1.0]), 0.5, np.ones((1, 2)))

    assert metrics["log_loss"][0] == pytest.approx(-np.log(np.finfo(float).eps))
    assert metrics["brier"] == 1


def test_ece_of_two_groups_is_the_mean_distance():
    # 20 images at 0.2 of which 50 % come true, 20 at 0.8 of which 60 % do.
    probability = np.repeat([0.2, 0.8], 20)
    truth = np.concatenate([np.repeat([1, 0], [10, 10]), np.repeat([1, 0], [12, 8])])

    metrics = binary_metrics(truth, probability, 0.5, np.ones((1, 40)))

    assert metrics["ece"][0] == pytest.approx((0.3 + 0.2) / 2)


def test_ece_bins_hold_equal_numbers_whatever_the_scores():
    probability = np.random.default_rng(0).beta(0.2, 5, 15 * 40)  # most of them near 0

    gaps = binned_gaps(probability, np.ones_like(probability))

    assert gaps.shape == (600, ECE_BINS)
    assert set((gaps != 0).sum(axis=0)) == {40}


def test_a_perfectly_calibrated_multiclass_model_has_no_ece():
    truth = np.array([0, 0, 1, 1, 2, 2])
    probabilities = np.eye(3)[truth]

    assert multiclass_metrics(truth, probabilities, np.ones((1, 6)))["ece"] == 0


def test_a_class_without_images_leaves_its_macro_averages_undefined():
    truth = np.array([0, 1, 0, 1])
    probabilities = np.full((4, 3), 1 / 3)

    metrics = multiclass_metrics(truth, probabilities, ONES)

    assert np.isnan(metrics["auc"])
    assert np.isnan(metrics["balanced_accuracy"])
    assert metrics["accuracy"] == 0.5
