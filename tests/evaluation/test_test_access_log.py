import json
import shutil

import pytest

from dlmath.errors import RunError
from dlmath.evaluation import evaluate_run
from dlmath.evaluation.test_access_log import record_access
from dlmath.runs import Run

HASHES = ["a" * 64, "b" * 64]


def test_the_same_model_again_is_counted_and_chose_nothing(tiny_run):
    assert str(record_access(tiny_run, HASHES)).endswith("for the first time.")

    again = record_access(tiny_run, HASHES[::-1])

    assert (again.count, again.models, again.other_runs) == (2, 1, ())
    assert "2 times, always with this model" in str(again)
    assert again.warnings == []


def test_another_threshold_is_another_model(tiny_run):
    record_access(tiny_run, HASHES)
    tiny_run.update_manifest(threshold={"value": 0.25, "chosen_on": "validation"})

    changed = record_access(tiny_run, HASHES)

    assert (changed.count, changed.models) == (2, 2)
    assert "2 times, with 2 different models or thresholds" in changed.warnings[0]


def test_other_test_images_are_counted_apart(tiny_run):
    record_access(tiny_run, HASHES)

    assert record_access(tiny_run, HASHES[:1]).count == 1


def test_other_runs_on_the_same_images_are_named(tiny_run):
    record_access(tiny_run, HASHES)
    other = Run(tiny_run.folder.with_name("other"))
    shutil.copytree(tiny_run.folder, other.folder)
    (other.folder / "test_openings.jsonl").unlink()

    found = record_access(other, HASHES)

    assert (found.count, found.other_runs) == (1, ("tiny",))
    assert "1 other run here saw the same test part (tiny)" in found.warnings[0]
    assert record_access(other, HASHES[:1]).other_runs == ()


@pytest.mark.parametrize("damage", ["{", "[]", json.dumps({"at": "now"})])
def test_a_damaged_count_is_named(tiny_run, damage):
    (tiny_run.folder / "test_openings.jsonl").write_text(damage + "\n")

    with pytest.raises(RunError, match=r"test_openings\.jsonl is damaged"):
        record_access(tiny_run, HASHES)


def test_a_folder_that_cannot_be_written_to_is_named(tiny_run):
    (tiny_run.folder / "test_openings.jsonl").mkdir()

    with pytest.raises(RunError, match="Cannot count the opening"):
        record_access(tiny_run, HASHES)


def test_a_run_that_is_only_read_is_named_before_it_predicts(tiny_run, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: path != tiny_run.folder)
    monkeypatch.setattr(evaluate_run, "_predict", lambda *_: pytest.fail("it predicted"))
    with pytest.raises(RunError, match="Copy the run to a folder that you may write to"):
        evaluate_run.evaluate(tiny_run)
