import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.evaluation.confident import certainty, most_confident
from dlmath.evaluation.intervals import Sample
from dlmath.inference.decision_rule import DecisionRule, Threshold


def sample_of(truth, positive, clusters=None, threshold=0.5):
    rule = DecisionRule(
        classes=("no", "yes"),
        image_size=8,
        positive_class="yes",
        threshold=Threshold(threshold, "validation"),
    )
    positive = np.asarray(positive, float)
    clusters = np.arange(len(positive)) if clusters is None else np.asarray(clusters)
    probabilities = np.stack([1 - positive, positive], axis=1)
    return Sample(rule, np.asarray(truth), probabilities, clusters)


def test_the_classes_take_turns_the_more_confident_first():
    sample = sample_of([1, 1, 1, 0, 0], [0.9, 0.99, 0.8, 0.3, 0.1])

    assert most_confident(sample, right=True, count=3) == [1, 4, 0]
    assert most_confident(sample, right=False, count=3) == []


def test_one_image_of_a_patient():
    sample = sample_of([1, 1, 1], [0.99, 0.98, 0.7], clusters=[0, 0, 1])

    assert most_confident(sample, right=True, count=3) == [0, 2]


def test_certainty_is_the_share_of_the_way_from_the_threshold():
    sample = sample_of([1, 0, 1], [0.9, 0.4, 0.8], threshold=0.8)

    np.testing.assert_allclose(certainty(sample), [0.5, 0.5, 0], atol=1e-12)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_at_the_end_of_the_scale(threshold):
    found = certainty(sample_of([1, 0], [0.0, 1.0], threshold=threshold))

    assert ((found >= 0) & (found <= 1)).all()


def test_of_several_classes_it_is_the_largest_probability():
    rule = DecisionRule(("a", "b", "c"), 8, None, None)
    probabilities = np.array([[0.2, 0.5, 0.3], [0.8, 0.1, 0.1]])
    sample = Sample(rule, np.array([1, 1]), probabilities, np.arange(2))

    np.testing.assert_array_equal(certainty(sample), [0.5, 0.8])
    assert most_confident(sample, right=True, count=3) == [0]
    assert most_confident(sample, right=False, count=3) == [1]


@given(
    rows=st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1), st.integers(0, 4)), min_size=1),
    count=st.integers(1, 4),
    right=st.booleans(),
)
def test_what_is_chosen_is_as_asked_for(rows, count, right):
    truth, positive, clusters = zip(*rows, strict=True)
    sample = sample_of(truth, positive, clusters)
    found = most_confident(sample, right, count)

    assert len(found) <= count
    assert len({clusters[row] for row in found}) == len(found)
    assert all((sample.decision[row] == truth[row]) == right for row in found)
