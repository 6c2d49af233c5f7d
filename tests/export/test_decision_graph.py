import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dlmath.export.decision_graph import OodScoreGraph, decided, decisions
from dlmath.inference.decision_rule import Abstention, DecisionRule, Threshold
from dlmath.inference.ood_score import OodScore


def drawn_ood_score(seed, classes=2, features=7, directions=3):
    draw = np.random.default_rng(seed)
    orthogonal, _ = np.linalg.qr(draw.normal(size=(features, directions)))
    return OodScore(
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
    ood_score = drawn_ood_score(seed)
    rule = DecisionRule(
        classes=("sick", "well"),
        image_size=8,
        positive_class="sick",
        threshold=Threshold(threshold, "validation"),
        abstention=Abstention(least, limit),
        ood_score=ood_score,
    )
    probabilities = np.stack([positives, 1 - positives], axis=1)
    features = np.random.default_rng(seed).normal(size=(9, 7)).astype(np.float32)
    ood_scores = ood_score(features.astype(np.float64))

    found = decisions(rule, tf.constant(probabilities), OodScoreGraph(ood_score)(features))

    index = rule.decide(probabilities.astype(np.float64))
    assert found["decision"].numpy().astype(str).tolist() == [rule.classes[i] for i in index]
    np.testing.assert_array_equal(found["positive"], index == 0)
    np.testing.assert_allclose(found["ood_score"], ood_scores, rtol=1e-9, atol=1e-9)
    wanted = rule.abstains(probabilities.astype(np.float64), ood_scores)
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
    ood_score = drawn_ood_score(0)
    rule = DecisionRule(
        classes=("a", "b", "c"),
        image_size=8,
        positive_class=None,
        threshold=None,
        abstention=Abstention(ood_score=5.0),
        ood_score=ood_score,
    )
    features = np.full((1, 7), np.nan, np.float32)

    found = decisions(rule, tf.fill((1, 3), 1 / 3), OodScoreGraph(ood_score)(features))

    assert found["out_of_distribution"].numpy().tolist() == [True]
