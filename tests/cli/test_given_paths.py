"""Every command finds what a user names in another Unicode form than the disk keeps."""

import json
import unicodedata

import pytest
from typer.testing import CliRunner

from dlmath.cli.main import app


def nfc(path):
    return unicodedata.normalize("NFC", str(path))


@pytest.fixture
def renamed(tiny_run):
    """Rename run and images to names in decomposed form, and return both as they are typed."""
    places = []
    for place in (tiny_run.folder, tiny_run.folder.parents[1] / "data"):
        to = place.with_name(unicodedata.normalize("NFD", f"{place.name} größer"))
        place.rename(to)
        places.append(to)
    assert all(nfc(place) != str(place) for place in places)
    return places


def invoke(*arguments):
    result = CliRunner().invoke(app, [nfc(one) for one in arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_predict_finds_the_run_the_image_and_the_pattern(renamed):
    run, data = renamed
    folder = data / "test" / "NORMAL"
    (one,) = invoke("predict", run, folder / "nte0_0.jpeg", "--json")
    assert one["file"] == str(folder / "nte0_0.jpeg")  # as on disk
    assert len(invoke("predict", run, data.parent / "*größer" / "test" / "*" / "*.png", "--json"))


def test_evaluate_and_explain_find_the_run_and_the_images(renamed, tmp_path):
    run, data = renamed
    assert invoke("evaluate", run, "--data", data, "--split", "all", "--json")["n"] == 56
    image = data / "test" / "NORMAL" / "nte0_0.jpeg"
    (one,) = invoke("explain", run, image, "--out", tmp_path / "maps", "--json")
    assert one["file"] == str(image)


def test_data_info_and_a_dry_run_of_train_find_the_images(renamed):
    _, data = renamed
    assert invoke("data", "info", data, "--json")["classes"] == ["NORMAL", "PNEUMONIA"]
    options = ("--positive", "PNEUMONIA", "--dry-run", "--set", "on_bad_file=skip", "--json")
    assert invoke("train", data, *options)["data"]["sources"] == [nfc(data)]  # as it was typed
