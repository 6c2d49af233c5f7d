"""Runs of the networks with attention, of layers from scratch: from training to an answer."""

import signal

import pytest

import dlmath
from dlmath.errors import Stopped
from dlmath.inference import predict
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training import resume

pytestmark = pytest.mark.slow

NETWORKS = ["malaria_attention_cnn", "malaria_vit"]
RECIPE = Recipe(
    name="attention",
    backbone="malaria_vit",
    weights="none",
    layers="scratch",
    tune="all",
    image_size=16,
    batch_size=8,
    epochs=2,
    patient_rules=(r"^(?P<patient>p\d+)_",),
    positive_class="dark",
)


class SignalAtStep(Reporter):
    """Sends SIGTERM at the third step of training."""

    def __init__(self):
        self.steps = 0

    def progress(self, task, done, total, note=""):
        if "epoch" in task:
            self.steps += 1
            if self.steps == 3:
                signal.raise_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    return draw_squares(tmp_path_factory.mktemp("images"), {"dark": 90, "bright": 170}, noise=25)


@pytest.fixture(scope="module", params=NETWORKS)
def run(request, images, tmp_path_factory):
    recipe = RECIPE.replace(backbone=request.param)
    return dlmath.train(recipe, images, out=tmp_path_factory.mktemp("runs") / "run")


def test_a_stopped_run_goes_on_to_the_same_model(run, images, tmp_path):
    recipe = RECIPE.replace(backbone=run.recipe.backbone)
    with pytest.raises(Stopped):
        dlmath.train(recipe, images, out=tmp_path / "stopped", reporter=SignalAtStep())

    resumed = resume(Run.find(tmp_path / "stopped"))

    assert resumed.history_path.read_bytes() == run.history_path.read_bytes()
    weights = [dlmath.load(one).get_weights() for one in (resumed, run)]
    for ours, theirs in zip(*weights, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_the_light_form_answers_as_keras_does(run, images):
    file = next(images.glob("dark/*.png"))

    ours, theirs = (predict(run, [file], runtime=name)[0] for name in ("light", "keras"))

    assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-4)
