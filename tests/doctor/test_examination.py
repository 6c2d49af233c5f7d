import csv
import json
import re
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from dlmath.doctor import examine
from dlmath.doctor.checks import MACHINE, OF_RUN
from dlmath.doctor.decisions import one_class_only
from dlmath.doctor.examined_run import ExaminedRun, spread
from dlmath.doctor.network import scaling_of_pixels
from dlmath.doctor.steps import BATCH_SIZE, STEPS, resuming
from dlmath.errors import RecipeError, RunError
from dlmath.runs import write_text
from tests.support import sabotage

WORDS = {"ok", "warning", "fault", "not applicable"}


def verdict(run, name):
    (check,) = (check for check in OF_RUN if check.name == name)
    return check.make(ExaminedRun(run))


@pytest.mark.slow
def test_a_run_that_is_well_has_no_fault(well):
    examination = examine(well)

    assert examination.faults == ()
    assert [line.check for line in examination.warnings if line.group != "machine"] == ["shortcut"]
    document = json.loads(json.dumps(examination.as_json()))
    assert document["run"] == "well"
    assert document["faults"] == 0
    assert [entry["check"] for entry in document["checks"]] == [
        *(check.name for check in MACHINE),
        *(check.name for check in OF_RUN),
    ]
    for line in examination.lines:
        assert line.verdict.word in WORDS
        assert line.verdict.found
        assert bool(line.verdict.advice) == (line.verdict.word in ("warning", "fault"))
        assert "Traceback" not in line.verdict.found


def test_names_are_unique_and_groups_stand_together():
    names = [check.name for check in (*MACHINE, *OF_RUN)]
    assert len(set(names)) == len(names)
    groups = [check.group for check in OF_RUN]
    assert groups == sorted(groups, key=groups.index)


CHAIN_FAULTS = [
    "pixels scaled twice",
    "loss on probabilities",
    "classes in another order",
    "classes swapped everywhere",
    "majority predictor",
    "NaN weights",
    "a flipped bit in the model",
    "threshold of the test part",
    "a patient on both sides",
    "light form of another model",
    "metrics of other predictions",
    "frozen augmentation",
    pytest.param("optimizer not resumed", marks=pytest.mark.slow),
    "resized without antialiasing",
]


@pytest.mark.parametrize("fault", CHAIN_FAULTS)
def test_each_fault_is_named_by_its_check(fault, well):
    (one,) = (one for one in sabotage.OF_CHAINS if one.fault == fault)
    assert verdict(well, one.check).word == "ok"
    with one.of(well):
        found = verdict(well, one.check)
    assert found.word == "fault", found
    assert found.advice


def test_a_recorded_figure_that_is_no_number_is_a_fault(well):
    document = json.loads(well.metrics_path.read_text(encoding="utf-8"))
    document["metrics"]["accuracy"]["value"] = float("nan")
    write_text(well.metrics_path, json.dumps(document))

    found = verdict(well, "recorded metrics")

    assert found.word == "fault"
    assert "accuracy nan recorded" in found.found


def test_pixels_that_are_scaled_to_nan_are_a_fault():
    layers = [keras.Input((2, 2, 3)), keras.layers.Rescaling(float("nan"))]

    found = scaling_of_pixels(SimpleNamespace(model=keras.Sequential(layers)))

    assert found.word == "fault"


def test_every_sabotage_has_its_test():
    named = {getattr(one, "values", (one,))[0] for one in CHAIN_FAULTS}
    faults = {one.fault for one in sabotage.OF_CHAINS}
    assert faults == named | {"test part opened three times"}


def test_several_openings_are_a_warning(well):
    (one,) = (one for one in sabotage.OF_CHAINS if one.check == "test part")
    with one.of(well):
        found = verdict(well, "test part")
    assert found.word == "warning"
    assert "opened 3 times, with 3 different models" in found.found


@pytest.mark.slow
def test_batch_normalisation_of_a_frozen_backbone(frozen):
    (one,) = sabotage.OF_FROZEN
    assert verdict(frozen, one.check).word == "ok"
    with one.of(frozen):
        found = verdict(frozen, one.check)
    assert found.word == "fault"
    assert "(BatchNormalization)" in found.found


def test_a_check_that_breaks_keeps_no_other_from_being_made(well):
    well.split_path.unlink()
    (well.folder / "predictions.csv").write_bytes(b"\xff\x00")

    examination = examine(well)

    assert len(examination.lines) == len(MACHINE) + len(OF_RUN)
    assert {line.check for line in examination.faults} >= {"patients apart", "recorded metrics"}
    assert examination.verdict("class order").word == "not applicable"
    assert "cannot be read" in examination.verdict("class order").found


def test_a_run_without_its_data_is_examined_as_far_as_possible(well):
    data = well.folder.parents[1] / "data"
    data.rename(data.with_name("elsewhere"))

    examination = examine(well)

    assert examination.faults == ()
    assert examination.verdict("weights").word == "ok"
    assert examination.verdict("resuming").word == "not applicable"


def test_the_machine_alone(monkeypatch):
    examination = examine()
    assert examination.run is None
    assert [line.check for line in examination.lines] == [check.name for check in MACHINE]
    assert examination.faults == ()


def test_no_run_there_is_one_message():
    with pytest.raises(RunError, match="No run at nowhere"):
        examine("nowhere")


def test_a_damaged_recipe_is_one_message(well):
    write_text(well.recipe_path, "name = [")
    with pytest.raises(RecipeError, match="is not valid TOML"):
        examine(well)


def few_images(run, per_class):
    """Keep as many validation images of each class in the split."""
    with run.split_path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kept = dict.fromkeys(run.recipe.classes, per_class)
    chosen = []
    for row in rows:
        if row["split"] == "validation":
            kept[row["class"]] -= 1
            if kept[row["class"]] < 0:
                continue
        chosen.append(row)
    with run.split_path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(chosen)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("classes swapped everywhere", r"AUC 0\.000 \(0\.000 to 0\.708\) on 6 validation images"),
        ("majority predictor", "All of 6 validation images, 3 of them of another class"),
    ],
)
def test_what_few_images_say_by_chance_is_no_fault(fault, said, well):
    (one,) = (one for one in sabotage.OF_CHAINS if one.fault == fault)
    few_images(well, per_class=3)
    with one.of(well):
        found = verdict(well, one.check)
    assert found.word == "warning"
    assert re.match(said, found.found)
    assert "more validation images" in found.advice


def test_validation_images_of_one_class_decide_nothing(well):
    decided = ExaminedRun(well)
    labels = decided.validation.labels
    decided.validation = replace(decided.validation, labels=np.zeros_like(labels))
    decided.probabilities = np.tile([0.9, 0.1], (len(labels), 1))
    assert one_class_only(decided).word == "not applicable"


def test_balanced_class_weights_are_resumed_on_images_of_every_class(well):
    write_text(well.recipe_path, well.recipe.replace(class_weights="balanced").to_toml())
    examined = ExaminedRun(well)
    assert set(examined.training.labels[: STEPS * BATCH_SIZE]) == {0, 1}
    assert resuming(examined).word == "ok"


def test_more_classes_than_are_looked_at_leave_one_image_of_each():
    recipe = SimpleNamespace(classes=tuple("abcde"))
    examples = tuple(SimpleNamespace(label=name, file=str(n)) for name in "abcde" for n in range(9))
    assert [one.label for one in spread(examples, recipe, most=3)] == list("abcde")
    assert [one.label for one in spread(examples, recipe, most=10)] == list("abcdeabcde")


def test_a_training_that_did_not_end_has_no_checksums_yet(well):
    well.model_path.unlink()
    well.update_manifest(state="interrupted", model=None, light=None)
    found = verdict(well, "checksums")
    assert found.word == "not applicable"
    assert found.found == "The training did not come to its end, when its model is written."
