import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dlmath.export.decision_graph import DistanceGraph, decided, decisions
from dlmath.inference.decision_rule import Abstention, DecisionRule, Threshold
from dlmath.inference.ood_score import FeatureDistance


def drawn_distance(seed, classes=2, features=7, directions=3):
    draw = np.random.default_rng(seed)
    orthogonal, _ = np.linalg.qr(draw.normal(size=(features, directions)))
    return FeatureDistance(
        means=draw.normal(size=(classes, features)),
        directions=orthogonal,
        variances=draw.uniform(0.5, 4, directions),
        rest=np.array(0.3),
    ).rounded()


@settings(max_examples=50)
@given(
    positives=arrays(np.float32, 9, elements=st.floats(0, 1, width=32)),
    threshold=st.floats(0.001, 0.999),
    least=st.none() | st.floats(0, 5),
    limit=st.none() | st.floats(0, 100),
    seed=st.integers(0, 99),
)
def test_two_classes_are_decided_as_in_numpy(positives, threshold, least, limit, seed):
    distance = drawn_distance(seed)
    rule = DecisionRule(
        classes=("sick", "well"),
        image_size=8,
        positive_class="sick",
        threshold=Threshold(threshold, "validation"),
        abstention=Abstention(least, limit),
        distance=distance,
    )
    probabilities = np.stack([positives, 1 - positives], axis=1)
    features = np.random.default_rng(seed).normal(size=(9, 7)).astype(np.float32)
    distances = distance(features.astype(np.float64))

    found = decisions(rule, tf.constant(probabilities), DistanceGraph(distance)(features))

    index = rule.decide(probabilities.astype(np.float64))
    assert found["decision"].numpy().astype(str).tolist() == [rule.classes[i] for i in index]
    np.testing.assert_array_equal(found["positive"], index == 0)
    np.testing.assert_allclose(found["distance"], distances, rtol=1e-9, atol=1e-9)
    wanted = rule.abstains(probabilities.astype(np.float64), distances)
    if wanted is None:
        assert "abstains" not in found
    else:
        np.testing.assert_array_equal(found["abstains"], wanted)


@pytest.mark.parametrize("least", [0.0, 0.4, 3.0])
def test_many_classes_are_decided_as_in_numpy(least):
    rule = DecisionRule(
        classes=("a", "b", "c"),
        image_size=8,
        positive_class=None,
        threshold=None,
        abstention=Abstention(confidence=least),
    )
    probabilities = np.random.default_rng(0).dirichlet([1, 1, 1], 40)

    found = decisions(rule, tf.constant(probabilities), None)

    np.testing.assert_array_equal(decided(rule, probabilities), rule.decide(probabilities))
    np.testing.assert_array_equal(found["abstains"], rule.abstains(probabilities, None))
    assert set(found) == {"decision", "abstains"}


def test_a_distance_that_is_no_number_is_unusual():
    distance = drawn_distance(0)
    rule = DecisionRule(
        classes=("a", "b", "c"),
        image_size=8,
        positive_class=None,
        threshold=None,
        abstention=Abstention(distance=5.0),
        distance=distance,
    )
    features = np.full((1, 7), np.nan, np.float32)

    found = decisions(rule, tf.fill((1, 3), 1 / 3), DistanceGraph(distance)(features))

    assert found["unusual"].numpy().tolist() == [True]
