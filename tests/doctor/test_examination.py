import json
from types import SimpleNamespace

import keras
import pytest

from dlmath.doctor import examine
from dlmath.doctor.checks import MACHINE, OF_RUN
from dlmath.doctor.examined_run import ExaminedRun
from dlmath.doctor.network import scaling_of_pixels
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
