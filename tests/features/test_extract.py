import numpy as np
import pytest
from PIL import Image

from dlmath.data import images
from dlmath.data.sources import read_sources
from dlmath.errors import DataError
from dlmath.features import View, freeze, load_features
from dlmath.features import extract as extract_module
from dlmath.models import build
from dlmath.recipe import Recipe

RECIPE = Recipe(
    name="small",
    classes=("bright", "dark"),
    backbone="malaria_cnn",
    weights="none",
    tune="head",
    image_size=16,
    rotation=90.0,
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def model():
    return build(RECIPE)


@pytest.fixture
def network(model):
    return freeze(model)


@pytest.fixture
def examples(tmp_path):
    draw = np.random.default_rng(0)
    for number in range(11):
        folder = tmp_path / "images" / RECIPE.classes[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        noise = draw.integers(0, 256, (20, 18, 3)).astype(np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    return read_sources([tmp_path / "images"]).examples


def test_rows_are_the_networks_answers(network, examples):
    features = load_features(examples, network)
    pixels = np.stack([images.read(e.path, e.file, 16) for e in examples])
    np.testing.assert_array_equal(features.array, network.make_runner()(pixels))
    assert features.examples == examples
    assert features.computed == 11


def test_the_second_time_nothing_is_computed(network, examples, monkeypatch):
    first = load_features(examples, network)
    monkeypatch.setattr(extract_module, "_compute", None)
    again = load_features(examples[::-1], network)
    np.testing.assert_array_equal(again.array, first.array[::-1])
    assert (again.computed, again.rate) == (0, None)


def test_rows_are_found_by_content_whatever_the_files_are_called(network, examples, tmp_path):
    load_features(examples, network)
    (tmp_path / "images").rename(tmp_path / "moved")
    moved = read_sources([tmp_path / "moved"]).examples
    assert load_features(moved, network).computed == 0


def test_equal_images_are_computed_once(network, examples, tmp_path):
    copy = tmp_path / "images" / "dark" / "copy.png"
    copy.write_bytes(examples[0].path.read_bytes())
    examples = read_sources([tmp_path / "images"]).examples
    assert load_features(examples, network).computed == 11


@pytest.mark.parametrize("stop_at", [1, 8])
def test_what_was_computed_before_a_stop_is_kept(network, examples, monkeypatch, stop_at):
    monkeypatch.setattr(extract_module, "SEGMENT_ROWS", 3)

    def progress(done, total, note):
        if done >= stop_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_features(examples, network, progress=progress)
    assert 11 - load_features(examples, network).computed >= stop_at


def test_bad_files_are_named_or_left_out(network, examples):
    examples[3].path.write_bytes(b"no image")
    with pytest.raises(DataError, match="1 of 11 files cannot be used"):
        load_features(examples, network)
    features = load_features(examples, network, on_bad_file="skip")
    assert len(features.array) == len(features.examples) == 10
    assert [bad.file for bad in features.bad] == [examples[3].file]
    assert examples[3] not in features.examples


def test_progress_reaches_the_end_with_a_speed(network, examples):
    heard = []
    load_features(examples, network, progress=lambda *news: heard.append(news))
    assert heard[-1][:2] == (11, 11)
    assert heard[-1][2].endswith("images/s")


def test_a_view_depends_on_the_image_and_its_number_alone(network, examples):
    plain = load_features(examples, network).array
    first = load_features(examples, network, view=View(RECIPE, 1)).array
    second = load_features(examples, network, view=View(RECIPE, 2)).array
    assert np.abs(first - plain).max() > 1e-3
    assert np.abs(first - second).max() > 1e-3
    again = load_features(examples[4:5], network, view=View(RECIPE, 1))
    assert again.computed == 0
    np.testing.assert_array_equal(again.array[0], first[4])


def test_views_follow_the_seed_and_the_augmentation(network, examples):
    load_features(examples, network, view=View(RECIPE, 1))
    for other in (RECIPE.replace(seed=1), RECIPE.replace(zoom=0.2)):
        assert load_features(examples, network, view=View(other, 1)).computed == 11
    same = RECIPE.replace(learning_rate=0.5)
    assert load_features(examples, network, view=View(same, 1)).computed == 0
