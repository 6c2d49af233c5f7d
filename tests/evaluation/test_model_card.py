import json

import dlmath
from dlmath.evaluation.checklists import GUIDELINES, answers
from dlmath.evaluation.metric_table import label_of
from dlmath.evaluation.model_card import write_model_card


def front_matter(text):
    opening, matter, rest = text.split("---\n", 2)
    assert opening == ""
    pairs = (line.split(": ", 1) for line in matter.splitlines())
    return {key: json.loads(value) for key, value in pairs}, rest


def test_before_the_test_part_is_opened_there_are_no_results(tiny_run):
    matter, rest = front_matter(write_model_card(tiny_run).read_text(encoding="utf-8"))
    assert "model-index" not in matter
    assert "has not been opened" in rest


def test_the_model_index_holds_every_metric_that_is_defined(tiny_run):
    evaluation = dlmath.evaluate(tiny_run)  # which writes the card too
    matter, rest = front_matter(tiny_run.model_card_path.read_text(encoding="utf-8"))
    (model,) = matter["model-index"]
    (result,) = model["results"]
    assert result["task"]["type"] == matter["pipeline_tag"]
    written = {metric["name"]: metric["value"] for metric in result["metrics"]}
    assert written == {
        label_of(name): figure.value
        for name, figure in evaluation.metrics.items()
        if figure.value is not None
    }
    assert "| AUC |" in rest
    assert f"AUC {evaluation.metrics['auc']}. Misses " in rest


def test_every_item_is_answered_from_the_run_or_left_open(tiny_run):
    dlmath.evaluate(tiny_run)
    card = tiny_run.model_card_path.read_text(encoding="utf-8")
    known = answers(tiny_run.recipe, tiny_run.manifest, None, None)
    for name, items in GUIDELINES.items():
        assert name in card
        for item in items:
            line = next(
                line
                for line in card.partition(name)[2].splitlines()
                if line.startswith(f"| {item.number} |")
            )
            if item.answer in known:
                assert known[item.answer].replace("|", "\\|") in line
            elif not item.answer:
                assert line.endswith("| *open* |")


def test_numbers_of_items_occur_once():
    for items in GUIDELINES.values():
        numbers = [item.number for item in items]
        assert len(set(numbers)) == len(numbers)
    assert len(GUIDELINES["CLAIM (2020)"]) == 42


def test_no_path_of_the_machine_is_told(tiny_run, tmp_path):
    assert str(tmp_path) not in write_model_card(tiny_run).read_text(encoding="utf-8")
