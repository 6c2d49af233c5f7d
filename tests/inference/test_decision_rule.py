import ast
import re

import numpy as np
import pytest

from dlmath.inference.decision_rule import Abstention, DecisionRule, Threshold
from dlmath.inference.exported import decision_of

THREE = DecisionRule(("a", "b", "c"), 16, None, None)


@pytest.mark.parametrize("positive", ["NORMAL", "PNEUMONIA"])
def test_two_classes_are_decided_at_the_threshold_and_above(positive):
    rule = DecisionRule(("NORMAL", "PNEUMONIA"), 16, positive, Threshold(0.25, "validation"))
    of_positive = np.array([0.2, 0.25, 0.9])
    columns = [of_positive, 1 - of_positive]
    probabilities = np.stack(columns if positive == "NORMAL" else columns[::-1], axis=1)

    decided = [rule.classes[index] for index in rule.decide(probabilities)]

    other = "PNEUMONIA" if positive == "NORMAL" else "NORMAL"
    assert decided == [other, positive, positive]


def test_of_more_classes_the_most_probable_is_decided():
    assert THREE.positive_index is None
    assert THREE.decide(np.array([[0.2, 0.5, 0.3], [0.4, 0.3, 0.3]])).tolist() == [1, 0]


def test_the_limits_of_an_older_export_are_read():
    older = {
        "classes": ["no", "yes"],
        "image_size": 16,
        "positive_class": "yes",
        "threshold": None,
        "abstention": {"confidence": 0.1, "distance": 30.0},
    }

    assert decision_of(older)["abstention"] == Abstention(confidence=0.1, ood_score=30.0)


def binary(threshold=0.2, **limits):
    decided = Threshold(threshold, "validation")
    return DecisionRule(("no", "yes"), 16, "yes", decided, abstention=Abstention(**limits))


def both(probability):
    return np.stack([1 - np.asarray(probability), probability], axis=1)


def test_confidence_is_least_at_the_threshold_and_counts_odds():
    confidence = binary().confidence(both([0.2, 0.02, 0.5, 0.0, 1.0]))

    assert confidence[0] == 0
    assert confidence[1] == pytest.approx(np.log(49 / 4))
    assert confidence[2] == pytest.approx(np.log(4))
    assert np.all(np.isfinite(confidence))
    assert np.all(confidence[3:] > 30)


@pytest.mark.parametrize("threshold", [0.0, 1.0, 1.5])
def test_a_threshold_at_the_end_gives_finite_confidence(threshold):
    assert np.all(np.isfinite(binary(threshold).confidence(both([0.0, 0.5, 1.0]))))


def test_confidence_of_two_classes_is_a_case_of_that_of_more():
    probabilities = both([0.1, 0.5, 0.7, 1.0])
    most_probable = DecisionRule(("no", "yes"), 16, None, None)

    np.testing.assert_allclose(
        most_probable.confidence(probabilities), binary(0.5).confidence(probabilities)
    )
    assert THREE.confidence(np.array([[0.6, 0.3, 0.1]])) == pytest.approx(np.log(2))


def test_it_abstains_where_it_is_unsure_or_the_image_is_out_of_distribution():
    probabilities, ood_scores = both([0.21, 0.9, 0.9, 0.9]), np.array([1, 1, 9, np.nan])

    def abstains(**limits):
        found = binary(**limits).abstains(probabilities, ood_scores)
        return None if found is None else found.tolist()

    assert abstains() is None
    assert abstains(confidence=0.5) == [True, False, False, False]
    assert abstains(ood_score=1) == [False, False, True, True]
    assert abstains(confidence=0.5, ood_score=1) == [True, False, True, True]
    assert binary(ood_score=1).out_of_distribution(None) is None


# What compares with a threshold and decides nothing by it, or decides in another language.
COMPARES = {
    "dlmath/inference/decision_rule.py": "`decide_binary` itself",
    "dlmath/export/decision_graph.py": "the same in TensorFlow operations",
    "dlmath/doctor/decisions.py": "accuracy, computed by other code on purpose",
    "dlmath/audit/label_errors.py": "thresholds of confident learning",
    "dlmath/maths/exercises/start.py": "an exercise, with usual mistakes",
}


def compares_with_threshold(source):
    """Whether a program asks if something is at least a threshold."""
    return any(
        isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.GtE)
        and re.match(r".*(thresholds?|limit)\b", ast.unparse(node.comparators[0]))
        for node in ast.walk(ast.parse(source))
    )


def test_decisions_are_made_in_one_place(repository):
    found = {
        path.relative_to(repository).as_posix()
        for path in (repository / "dlmath").rglob("*.py")
        if compares_with_threshold(path.read_text())
    }

    assert found == set(COMPARES)
