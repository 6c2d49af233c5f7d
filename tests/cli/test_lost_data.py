"""Whatever reads images that no audit has seen names those that lost data or show nothing."""

import io
import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from dlmath.cli.main import app

BLACK = "black.png"
CUT = "cut.jpeg"
SOUND = "pte0_1.png"


@pytest.fixture
def folder(tiny_run, tmp_path):
    """Give sound images, a black one and a JPEG whose data end too early, of both classes."""
    data = tmp_path / "data" / "test"
    Image.new("RGB", (20, 24)).save(data / "NORMAL" / BLACK)
    stream = io.BytesIO()
    Image.effect_noise((160, 160), 80).convert("RGB").save(stream, "JPEG")
    whole = stream.getvalue()
    (data / "PNEUMONIA" / CUT).write_bytes(whole[: len(whole) // 2].rstrip(b"\xff") + b"\xff\xd9")
    return data


def invoke(*arguments):
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def doubted(folder):
    return [folder / "NORMAL" / BLACK, folder / "PNEUMONIA" / CUT, folder / "PNEUMONIA" / SOUND]


def test_predict_doubts_the_picture(tiny_run, folder):
    black, cut, sound = invoke("predict", tiny_run.folder, *doubted(folder))
    assert "one flat shade: there is nothing to see" in black["doubts"][0]
    assert "a part of the file's data is missing" in cut["doubts"][0]
    assert sound["doubts"] == []


def test_explain_warns_of_the_picture(tiny_run, folder, tmp_path):
    maps = ("--out", tmp_path / "maps", "--method", "integrated_gradients")
    black, cut, sound = invoke("explain", tiny_run.folder, *doubted(folder), *maps)
    assert black["warnings"][0].startswith("The whole picture is one flat shade")
    assert cut["warnings"][0].startswith("A part of the file's data is missing")
    assert sound["warnings"] == []


def test_evaluate_warns_of_given_images(tiny_run, folder):
    options = ("--patients", "none")
    warnings = invoke("evaluate", tiny_run.folder, "--data", folder, *options)["warnings"]
    (lost,) = [one for one in warnings if "without a part of its data" in one]
    (blank,) = [one for one in warnings if "one flat shade throughout" in one]
    assert lost.endswith(f"See PNEUMONIA/{CUT}.")
    assert blank.endswith(f"See NORMAL/{BLACK}.")


def test_evaluate_of_sound_images_warns_of_none(tiny_run, folder):
    for path in doubted(folder)[:2]:
        path.unlink()
    warnings = invoke("evaluate", tiny_run.folder, "--data", folder)["warnings"]
    assert not [one for one in warnings if "shade" in one or "its data" in one]
