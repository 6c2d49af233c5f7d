"""The ending that both trainers share: one order, one record, and a stop at each of its parts."""

import os
import signal

import numpy as np
import pytest

import dlmath
from dlmath.errors import Stopped
from dlmath.linear_head.scaling import Scaling
from dlmath.recipe import Recipe
from dlmath.runs import Run
from dlmath.training import resume, runner
from dlmath.training.head_trainer import HeadTrainer
from dlmath.training.step_trainer import StepTrainer
from dlmath.training.trainer import trainer_type
from tests.support import crashing

SMALL = Recipe(
    name="small",
    backbone="malaria_cnn",
    weights="none",
    image_size=8,
    batch_size=8,
    epochs=1,
    patient_rules=(r"^(?P<patient>p\d+)_",),
    positive_class="dark",
    validation_fraction=0.5,
    calibration="temperature",
)
RECIPES = {
    "steps": SMALL.replace(tune="all"),
    "head": SMALL.replace(tune="head", l2=0.01),
}
FITTED = {
    "steps": "after the last epoch; everything is saved",
    "head": "after the head was solved; its features are kept",
}
ENDING = ("best", "calibration", "threshold", "abstention", "light", "ood_score", "drift")


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    return draw_squares(tmp_path_factory.mktemp("images"), {"dark": 110, "bright": 150})


@pytest.fixture(scope="module", params=sorted(RECIPES))
def way(request):
    return request.param


@pytest.fixture(scope="module")
def finished(way, images, tmp_path_factory):
    return dlmath.train(RECIPES[way], images, out=tmp_path_factory.mktemp("runs") / way)


def test_a_finished_run_keeps_no_checkpoints(finished):
    assert finished.is_finished
    assert not finished.checkpoints.exists()


def test_the_recipe_names_its_trainer():
    assert trainer_type(RECIPES["steps"]) is StepTrainer
    assert trainer_type(RECIPES["head"]) is HeadTrainer
    assert trainer_type(RECIPES["head"].replace(head_solver="sgd", l2=0.0)) is StepTrainer


def test_both_trainers_leave_the_same_entries_and_files(finished):
    manifest = finished.manifest

    assert manifest["state"] == "finished"
    assert [name for name in ENDING if not manifest[name]] == []
    for path in (finished.model_path, finished.light_head_path, finished.light_ood_path):
        assert path.is_file()
    assert finished.report_path.is_file()


def test_the_threshold_is_one_of_calibrated_probabilities(way, images, tmp_path, monkeypatch):
    """A slope of 1,000 sends every probability, and with them the threshold, to 0 or 1."""
    decided = []

    def calibrate(model, logits, labels, recipe, reporter):
        layer, scaling = model.get_layer("logits"), Scaling("temperature", 1000.0, (0.0, 0.0))
        layer.set_weights(scaling.fold(*layer.get_weights()))
        return scaling, {"method": "temperature", "slope": 1000.0}

    def decisions(probabilities, *rest):
        decided.append(probabilities)
        return {"threshold": None, "abstention": None}

    monkeypatch.setattr(runner, "calibrate", calibrate)
    monkeypatch.setattr(runner, "decisions", decisions)
    monkeypatch.setattr(runner, "write_report", lambda run: None)
    run = dlmath.train(RECIPES[way], images, out=tmp_path / "run")

    (probabilities,) = decided
    assert np.median(probabilities.max(axis=1)) > 0.999
    assert run.manifest["calibration"]["slope"] == 1000.0


@pytest.mark.parametrize("place", ["write_model", "write_light"])
def test_a_signal_in_the_ending_stops_and_resumes_to_the_same_bits(
    way, images, finished, place, tmp_path, monkeypatch
):
    true = getattr(runner, place)

    def signalled(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return true(*arguments)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(runner, place, signalled)
        with pytest.raises(Stopped) as stopped:
            dlmath.train(RECIPES[way], images, out=out)

    assert str(stopped.value) == f"Stopped {FITTED[way]}. Go on with: dlmath train --resume {out}"
    assert stopped.value.exit_code == 143
    assert Run(out).manifest["state"] == "stopped"
    assert crashing.result(resume(out)) == crashing.result(finished)
