import json

import pytest
from typer.testing import CliRunner

import dlmath
from dlmath.cli.main import app
from dlmath.runs import write_json


@pytest.fixture(scope="module")
def finished(draw_squares, squares_recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    images = draw_squares(folder / "images", {"dark": 90, "bright": 170})
    return dlmath.train(squares_recipe, images, out=folder / "first")


def invoke(*arguments):
    return CliRunner().invoke(app, ["reproduce", *map(str, arguments)], catch_exceptions=False)


def test_the_verdict_is_the_exit_code(finished, tmp_path):
    same = invoke(finished.folder, "--out", tmp_path / "a", "--json")
    assert same.exit_code == 0
    assert json.loads(same.stdout)["same"] is True

    manifest = finished.manifest
    manifest["versions"]["keras"] = "0.0"
    manifest["threshold"]["value"] += 0.125
    write_json(finished.manifest_path, manifest)
    other = invoke(finished.folder, "--out", tmp_path / "b")
    assert other.exit_code == 4
    assert "first is not reproduced" in other.stdout
    assert "Changed since then, versions: keras 0.0; now keras" in other.stdout
