import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dlmath
from dlmath.errors import DataError, UserError
from dlmath.explain import Explanation, NotExplained, explain_examples, explain_files
from dlmath.explain.examples import SIDE
from dlmath.explain.explainer import MapFiles
from dlmath.explain.overlay import PAIR_GAP
from dlmath.inference import KerasClassifier
from tests.support.recorder import Recorder


@pytest.fixture
def images(tmp_path, tiny_run):
    return sorted((tmp_path / "data" / "test" / "PNEUMONIA").iterdir())


def test_what_is_decided_is_explained_by_default(tiny_run, images):
    predictions = dlmath.predict(tiny_run, images)
    for found, predicted in zip(explain_files(tiny_run, images), predictions, strict=True):
        assert isinstance(found, Explanation)
        assert found.class_name == predicted.decision
        assert found.probability == pytest.approx(predicted.probabilities[predicted.decision])


def test_the_brighter_a_place_the_more_it_speaks_for_pneumonia(tiny_run, tmp_path):
    half = np.full((16, 16, 3), 20, np.uint8)
    half[:, 8:] = 230
    Image.fromarray(half).save(tmp_path / "half.png")
    for method in ("grad_cam", "integrated_gradients", "occlusion"):
        (found,) = explain_files(tiny_run, tmp_path / "half.png", method, class_name="PNEUMONIA")
        left, right = found.heat_map.values[:, :6], found.heat_map.values[:, 10:]
        assert right.min() > left.max(), method


def test_progress_is_told_and_a_bad_file_is_passed_over(tiny_run, images, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no image")
    listener = Recorder()
    first, second = explain_files(tiny_run, [tmp_path / "bad.png", images[0]], reporter=listener)

    assert isinstance(first, NotExplained)
    assert "bad.png" in first.error
    assert isinstance(second, Explanation)
    assert listener.steps == [("explaining", 1, 2), ("explaining", 2, 2)]


def test_a_mistake_in_the_call_is_found_before_the_first_file(tiny_run, images):
    with pytest.raises(UserError, match="Did you mean 'occlusion'"):
        explain_files(tiny_run, images, "oclusion")
    with pytest.raises(UserError, match="--class: NORMAL, PNEUMONIA"):
        explain_files(tiny_run, images, class_name="covid")
    with pytest.raises(DataError, match="There is no image here"):
        explain_files(tiny_run, [])


def test_examples_are_pictures_and_a_lost_file_does_not_lose_the_report(tiny_run, images, tmp_path):
    listener = Recorder()
    files = [images[0], tmp_path / "gone.png", images[1]]
    first, gone, last = explain_examples(KerasClassifier.load(tiny_run), files, listener)

    assert gone is None
    for one, prediction in zip((first, last), dlmath.predict(tiny_run, images[:2]), strict=True):
        assert one.class_name == prediction.decision
        assert Image.open(io.BytesIO(one.picture)).size == (2 * SIDE + PAIR_GAP, SIDE)
        told = " ".join((*one.said, *one.warnings))
        assert all(name in told for name in ("deletion", "sanity"))
    assert listener.steps[-1] == ("explaining", 3, 3)
    assert first.outside is None  # without a region


def test_examples_say_how_much_of_the_map_lies_outside_the_region(tiny_run, images):
    classifier = KerasClassifier.load(tiny_run)
    size = classifier.image_size
    left = np.arange(size) < size // 2
    halves = [np.tile(half, (size, 1)) for half in (left, ~left)]
    shares = [
        explain_examples(classifier, images[:1], region=half)[0].outside
        for half in (*halves, np.ones((size, size), bool))
    ]
    assert shares[0] + shares[1] == pytest.approx(1)
    assert shares[2] == pytest.approx(0)


@pytest.mark.slow
def test_a_new_process_explains_a_trained_run_alike(draw_squares, tmp_path):
    images = draw_squares(tmp_path / "images", {"dark": 100, "bright": 160})
    recipe = dlmath.Recipe(
        name="small",
        backbone="mobilenet_v2_035",
        weights="none",
        image_size=32,
        epochs=1,
        batch_size=4,
        patient_rules=(r"^(?P<patient>p\d+)_",),
        positive_class="dark",
    )
    run = dlmath.train(recipe, images, out=tmp_path / "run")
    file = images / "dark" / "p0_0.png"
    (here,) = explain_files(run, file)
    command = [sys.executable, "-m", "dlmath", "explain", run.folder, file, "--json"]
    done = subprocess.run(
        [*map(str, command), "--out", str(tmp_path / "maps")], capture_output=True, check=True
    )
    (there,) = json.loads(done.stdout)

    assert there["class"] == here.class_name
    np.testing.assert_allclose(np.load(there["array"]), here.heat_map.values, rtol=1e-3, atol=1e-5)


def test_maps_of_images_of_long_names_are_written(tiny_run, images, tmp_path):
    film = tmp_path / f"{'ü' * 120}.png"  # 244 bytes
    film.write_bytes(images[0].read_bytes())
    files = MapFiles(tmp_path / "maps")
    [found] = explain_files(tiny_run, film)
    [again] = explain_files(tiny_run, film)
    written = [files.write(found), files.write(again)]
    assert [Path(one["overlay"]).name for one in written] == [
        f"{'ü' * 90}-grad_cam.png",
        f"{'ü' * 90}-grad_cam-2.png",
    ]
    assert all(Path(one[name]).is_file() for one in written for name in ("overlay", "array"))
