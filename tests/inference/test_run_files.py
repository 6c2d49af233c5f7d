import pytest

from dlmath.errors import RunError
from dlmath.inference.decision_rule import Abstention, Threshold
from dlmath.inference.run_files import ood_record, stored_decision


def test_a_run_says_what_decides(tiny_run):
    assert stored_decision(tiny_run) == {
        "classes": ("NORMAL", "PNEUMONIA"),
        "image_size": 16,
        "positive_class": "PNEUMONIA",
        "threshold": Threshold(0.5, "validation"),
        "abstention": Abstention(None, None),  # as of a run from before there was one
    }


def test_a_run_says_when_it_abstains(tiny_run):
    tiny_run.update_manifest(
        abstention={"rule": "coverage", "confidence": 0.7}, ood_score={"limit": 12}
    )

    assert stored_decision(tiny_run)["abstention"] == Abstention(0.7, 12.0)


def test_an_older_manifest_names_the_out_of_distribution_score_otherwise(tiny_run):
    tiny_run.update_manifest(distance={"limit": 12})

    assert ood_record(tiny_run) == {"limit": 12}
    assert stored_decision(tiny_run)["abstention"] == Abstention(None, 12.0)


def test_a_run_without_a_threshold_is_not_finished(tiny_run):
    tiny_run.update_manifest(threshold=None)

    with pytest.raises(RunError, match="--resume"):
        stored_decision(tiny_run)


def test_a_run_of_two_classes_names_the_positive_one(tiny_run):
    text = tiny_run.recipe_path.read_text()
    tiny_run.recipe_path.write_text(text.replace('positive_class = "PNEUMONIA"', ""))

    with pytest.raises(RunError, match="positive_class = 'PNEUMONIA'"):
        stored_decision(tiny_run)


@pytest.mark.parametrize(
    ("field", "was", "edited"),
    [
        ("classes", '["NORMAL", "PNEUMONIA"]', '["PNEUMONIA", "NORMAL"]'),
        ("classes", '["NORMAL", "PNEUMONIA"]', '["HEALTHY", "PNEUMONIA"]'),
        ("positive_class", '"PNEUMONIA"', '"NORMAL"'),
    ],
)
def test_classes_edited_after_training_are_noticed(tiny_run, field, was, edited):
    text = tiny_run.recipe_path.read_text()
    line = f"{field} = {was}\n"
    assert line in text
    tiny_run.recipe_path.write_text(text.replace(line, f"{field} = {edited}\n"))

    with pytest.raises(RunError, match=rf"edited after the training. Received: {field} = "):
        stored_decision(tiny_run)
