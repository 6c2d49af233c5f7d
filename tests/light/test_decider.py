import numpy as np
import pytest

from dlmath.errors import RunError
from dlmath.light.decider import Decider, Threshold, stored_decision

THREE = Decider(("a", "b", "c"), 16, None, None)


@pytest.mark.parametrize("positive", ["NORMAL", "PNEUMONIA"])
def test_two_classes_are_decided_at_the_threshold_and_above(positive):
    decider = Decider(("NORMAL", "PNEUMONIA"), 16, positive, Threshold(0.25, "validation"))
    of_positive = np.array([0.2, 0.25, 0.9])
    columns = [of_positive, 1 - of_positive]
    probabilities = np.stack(columns if positive == "NORMAL" else columns[::-1], axis=1)

    decided = [decider.classes[index] for index in decider.decide(probabilities)]

    other = "PNEUMONIA" if positive == "NORMAL" else "NORMAL"
    assert decided == [other, positive, positive]


def test_of_more_classes_the_most_probable_is_decided():
    assert THREE.positive_index is None
    assert THREE.decide(np.array([[0.2, 0.5, 0.3], [0.4, 0.3, 0.3]])).tolist() == [1, 0]


def test_a_run_says_what_decides(tiny_run):
    assert stored_decision(tiny_run) == {
        "classes": ("NORMAL", "PNEUMONIA"),
        "image_size": 16,
        "positive_class": "PNEUMONIA",
        "threshold": Threshold(0.5, "validation"),
    }


def test_a_run_without_a_threshold_is_not_finished(tiny_run):
    tiny_run.update_manifest(threshold=None)

    with pytest.raises(RunError, match="--resume"):
        stored_decision(tiny_run)


def test_a_run_of_two_classes_names_the_positive_one(tiny_run):
    text = tiny_run.recipe_path.read_text()
    tiny_run.recipe_path.write_text(text.replace('positive_class = "PNEUMONIA"', ""))

    with pytest.raises(RunError, match="positive_class = 'PNEUMONIA'"):
        stored_decision(tiny_run)
