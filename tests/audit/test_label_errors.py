"""Confident learning against the worked definition, and on labels that were flipped on purpose."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.audit.label_errors import confident_learning


def drawn(seed, count=400, classes=3, flipped=0.1):
    """Probabilities that know the truth about well, and labels of which a share is another's."""
    rng = np.random.default_rng(seed)
    truth = np.r_[np.arange(classes), rng.integers(0, classes, count - classes)]
    logits = 3 * np.eye(classes)[truth] + rng.normal(size=(count, classes))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    is_flipped = rng.random(count) < flipped
    is_flipped[:classes] = False
    return probabilities, np.where(is_flipped, (truth + 1) % classes, truth), is_flipped


def test_it_is_as_in_an_example_worked_by_hand():
    p = np.array([0.9, 0.8, 0.1, 0.6, 0.2, 0.1, 0.75])  # of class 0
    labels = np.array([0, 0, 0, 1, 1, 1, 1])
    found = confident_learning(np.column_stack([p, 1 - p]), labels)
    np.testing.assert_allclose(found.thresholds, [0.6, (0.4 + 0.8 + 0.9 + 0.25) / 4])
    assert found.suspects.tolist() == [2, 6, 3]
    np.testing.assert_allclose(found.margins[[2, 6, 3]], [-0.8, -0.5, -0.2])
    # Of label 0 two are confidently 0 and one is 1; of label 1 two and two.
    np.testing.assert_allclose(found.joint, [[2, 1], [2, 2]])
    assert found.estimated_errors == pytest.approx(3)


seeds = st.integers(0, 2**31 - 1)


@given(seed=seeds)
def test_flipped_labels_are_found_and_counted(seed):
    probabilities, labels, is_flipped = drawn(seed)
    found = confident_learning(probabilities, labels)
    first = found.suspects[: is_flipped.sum() // 2]
    assert is_flipped[first].mean() >= 0.8
    assert abs(found.estimated_errors - is_flipped.sum()) < 25


@given(seed=seeds)
def test_a_suspect_is_confidently_of_another_class_and_the_ranking_is_by_margin(seed):
    probabilities, labels, _ = drawn(seed)
    found = confident_learning(probabilities, labels)
    suggested = found.suggested[found.suspects]
    assert (suggested != labels[found.suspects]).all()
    reached = probabilities[found.suspects, suggested] - found.thresholds[suggested]
    assert (reached >= -1e-12).all()
    assert (np.diff(found.margins[found.suspects]) >= 0).all()
    others = np.setdiff1d(np.arange(len(labels)), found.suspects)
    assert (found.suggested[others] == labels[others]).all()


@given(seed=seeds)
def test_the_joint_adds_to_the_labels(seed):
    probabilities, labels, _ = drawn(seed)
    found = confident_learning(probabilities, labels)
    np.testing.assert_allclose(found.joint.sum(axis=1), np.bincount(labels))


@given(seed=seeds, order=st.permutations(range(3)))
def test_the_numbering_of_the_classes_does_not_matter(seed, order):
    probabilities, labels, _ = drawn(seed)
    order = np.array(order)
    renamed = confident_learning(probabilities[:, np.argsort(order)], order[labels])
    assert renamed.suspects.tolist() == confident_learning(probabilities, labels).suspects.tolist()


def test_a_model_that_knows_nothing_suspects_nothing():
    found = confident_learning(np.full((10, 2), 0.5), np.array([0, 1] * 5))
    assert found.suspects.tolist() == []
    assert found.estimated_errors == 0
