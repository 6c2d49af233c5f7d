import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from dlmath.cli.main import app
from dlmath.errors import UserError


@pytest.fixture
def scans(tmp_path):
    root = tmp_path / "scans"
    root.mkdir()
    Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)).save(root / "a.tif")
    (root / "b.png").write_bytes(b"no image")
    (root / "notes.txt").write_text("x")
    return root


def invoke(*words):
    return CliRunner().invoke(app, ["data", "convert", *map(str, words)])


def test_a_folder_is_converted_and_each_file_without_a_copy_named(scans, tmp_path):
    done = invoke(scans, "--out", tmp_path / "out", "--window", "0,599")

    assert done.exit_code == 2
    assert done.stdout == f"{tmp_path / 'out'}\n"
    assert "Converted to PNG. Found 1 image: 1 TIFF." in done.stderr
    assert "b.png: no image of a format that is read" in done.stderr
    assert "Left out: 1 file *.txt (no images)." in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.tif.png"]


def test_json_is_one_document(scans, tmp_path):
    (scans / "b.png").unlink()
    done = invoke(scans, "--out", tmp_path / "out", "--json")

    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "out": str(tmp_path / "out"),
        "converted": {"TIFF": 1},
        "copied": 0,
        "errors": [],
        "left_out": {"*.txt": 1},
    }


@pytest.mark.parametrize("window", ["5", "low,high", "1,2,3"])
def test_what_is_no_window_is_refused(scans, tmp_path, window):
    done = invoke(scans, "--out", tmp_path / "out", "--window", window)
    assert isinstance(done.exception, UserError)
    assert "--window 0,4095" in str(done.exception)
