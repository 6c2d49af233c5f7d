"""An image that training refuses is refused by every other way in, in the same words."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlmath.data.contact_sheet import write_contact_sheet
from dlmath.data.pixels import load_pixels
from dlmath.data.sources import read_sources
from dlmath.errors import DataError
from dlmath.evaluation.evaluate_run import evaluate
from dlmath.explain import explain_files
from dlmath.inference import predict
from tests.support import planting

REFUSED = ("empty", "truncated", "cut in its header", "damaged", "text", "PDF", "animated", "bomb")


@pytest.fixture
def spoiled(tiny_run):
    """The test images of the tiny run, the first ones of which are spoiled each in its way."""
    images = sorted((tiny_run.folder.parents[1] / "data" / "test").rglob("*.png"))
    noise = np.random.default_rng(0).integers(0, 256, (30, 20, 3), np.uint8)
    good = planting.encoded(Image.fromarray(noise), "PNG")
    for path, fault in zip(images, REFUSED, strict=False):
        path.write_bytes(planting.FILE_FAULTS[fault][1](good))
    return images[: len(REFUSED)]


def without_name(message, path):
    return message.replace(str(path), "FILE").replace(path.name, "FILE").split("FILE", 1)[-1]


def test_every_way_in_refuses_what_training_refuses(tiny_run, spoiled):
    root = tiny_run.folder.parents[1] / "data"
    rules = tiny_run.recipe.patient_rules
    examples = [
        example
        for example in read_sources([root], patient_rules=rules).examples
        if example.path in spoiled
    ]
    keeps = next(e for e in read_sources([root], patient_rules=rules).examples)
    trained = load_pixels([*examples, keeps], 16, on_bad_file="skip")
    by_training = {bad.file: bad.reason for bad in trained.bad}
    assert len(by_training) == len(REFUSED)

    by_predict = {Path(one.file): one.error for one in predict(tiny_run, spoiled)}
    by_explain = {
        one.file: one.error for one in explain_files(tiny_run, spoiled, "integrated_gradients")
    }
    for example in examples:
        reason = without_name(by_training[example.file], example.path)
        assert without_name(by_predict[example.path], example.path) == reason
        assert without_name(by_explain[example.path], example.path) == reason


def test_evaluation_refuses_them_and_the_sheet_leaves_a_tile(tiny_run, spoiled, tmp_path):
    root = tiny_run.folder.parents[1] / "data"
    with pytest.raises(DataError, match=f"{len(REFUSED)} of .* files cannot be used"):
        evaluate(tiny_run, root)
    dataset = read_sources([root], patient_rules=tiny_run.recipe.patient_rules)
    assert write_contact_sheet(dataset, tmp_path / "sheet.png", per_class=40).is_file()
