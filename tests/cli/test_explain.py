import json
import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from dlmath.cli.main import app
from dlmath.errors import UserError


@pytest.fixture
def image(tmp_path, tiny_run):
    """An image of the test part."""
    return tmp_path / "data" / "test" / "PNEUMONIA" / "pte0_0.jpeg"


def invoke(*arguments):
    return CliRunner().invoke(app, ["explain", *map(str, arguments)])


def refusal(*arguments) -> str:
    result = invoke(*arguments)
    assert isinstance(result.exception, UserError)
    return str(result.exception)


def test_a_picture_and_the_raw_map_are_written(tiny_run, image, tmp_path):
    result = invoke(tiny_run.folder, image, "--out", tmp_path / "maps", "--json")

    assert result.exit_code == 0, result.output
    (answer,) = json.loads(result.stdout)
    assert set(answer) == {
        *("file", "class", "probability", "method", "figures", "warnings", "overlay", "array")
    }
    assert answer["method"] == "grad_cam"
    values = np.load(answer["array"])
    assert (values.shape, values.dtype) == ((16, 16), np.float32)
    with Image.open(answer["overlay"]) as picture:
        assert picture.format == "PNG"
        assert picture.width > 2 * 300


def test_people_get_the_figures_with_the_map(tiny_run, image, tmp_path):
    arguments = (tiny_run.folder, image, "--out", tmp_path / "maps")
    quick = invoke(*arguments, "--method", "integrated_gradients").stdout
    checked = invoke(*arguments, "--method", "integrated_gradients", "--check").stdout

    assert f"{image}  " in quick
    assert "completeness: the map sums to" in quick
    assert "pass --check" in quick
    for name in ("deletion", "insertion", "contrast", "sanity"):
        assert name in checked
    assert "pass --check" not in checked


def test_the_class_may_be_named_in_any_case(tiny_run, image, tmp_path):
    found = {}
    for name in ("normal", "Pneumonia"):
        arguments = (tiny_run.folder, image, "--out", tmp_path / name, "--class", name, "--json")
        (found[name],) = json.loads(invoke(*arguments).stdout)

    assert [answer["class"] for answer in found.values()] == ["NORMAL", "PNEUMONIA"]
    assert sum(answer["probability"] for answer in found.values()) == pytest.approx(1, abs=1e-6)
    # Brightness speaks for pneumonia, so nothing can speak for a normal film: the map says so.
    assert any("empty" in warning for warning in found["normal"]["warnings"])
    assert not any("empty" in warning for warning in found["Pneumonia"]["warnings"])


def test_a_bad_file_is_passed_over_and_the_exit_code_is_2(tiny_run, image, tmp_path):
    text = tmp_path / "text.jpg"
    text.write_text("no image")
    result = invoke(tiny_run.folder, text, image, "--out", tmp_path / "maps", "--json")

    assert result.exit_code == 2
    bad, good = json.loads(result.stdout)
    assert bad.keys() == {"file", "error"}
    assert good["overlay"]
    assert "1 of 2 files without an explanation" in result.stderr


def test_a_folder_is_explained_with_a_name_for_each_image(tiny_run, image, tmp_path):
    folder = tmp_path / "two"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        shutil.copy(image, folder / name / "film.jpeg")
    result = invoke(tiny_run.folder, folder, "--out", tmp_path / "maps")

    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "maps").iterdir()}
    assert names == {
        *("film-grad_cam.png", "film-grad_cam.npy", "film-grad_cam-2.png", "film-grad_cam-2.npy")
    }


def test_wrong_input_is_one_message_with_a_way_out(tiny_run, image, tmp_path):
    maps = tmp_path / "maps"
    assert "Received: neither" in refusal(tiny_run.folder, image)
    assert "Received: both" in refusal(tiny_run.folder, image, "--out", maps, "--why-patients")
    assert "are about maps" in refusal(tiny_run.folder, image, "--why-patients", "--check")
    message = refusal(tiny_run.folder, image, "--out", maps, "--class", "PNEUMONA")
    assert "Did you mean 'PNEUMONIA'? Pass one of these with --class: NORMAL, PNEUM" in message
    assert "Pass another --out" in refusal(tiny_run.folder, image, "--out", image)
    assert invoke(tiny_run.folder, image, "--out", maps, "--method", "x").exit_code == 2
    assert not maps.exists()


def test_the_command_has_every_method():
    from typing import get_args

    from dlmath.cli.explain import Method
    from dlmath.explain import METHODS

    assert get_args(Method) == tuple(METHODS)
