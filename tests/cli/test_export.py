import inspect
from typing import get_args

import pytest
import typer
from typer.testing import CliRunner

from dlmath.cli.export import export
from dlmath.errors import VerificationError
from dlmath.export import FORMATS, formats

app = typer.Typer()
app.command()(export)


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_choices_are_the_formats_that_work():
    (choices, _) = get_args(inspect.signature(export).parameters["format"].annotation)

    assert get_args(choices) == tuple(FORMATS)


def test_it_prints_where_the_export_lies(tiny_run, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "verify", lambda *args, **kwargs: {"images": 16})

    result = invoke(tiny_run.folder, "--format", "keras", "--out", tmp_path / "out")

    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'out' / 'model.keras'}\n"
    assert (tmp_path / "out" / "model.keras").is_file()
    assert "16 images" in result.stderr


def test_an_export_that_does_something_else_exits_1(tiny_run, monkeypatch):
    def refuse(*args, **kwargs):
        raise VerificationError("The export does not do what the run does.")

    monkeypatch.setattr(formats, "verify", refuse)

    result = invoke(tiny_run.folder)

    assert isinstance(result.exception, VerificationError)
    assert result.exception.exit_code == 1
    assert not (tiny_run.exports / "saved_model").exists()


@pytest.mark.parametrize("unknown", ["onnx", "savedmodel"])
def test_a_format_that_does_not_work_yet_is_refused(tiny_run, unknown):
    assert invoke(tiny_run.folder, "--format", unknown).exit_code == 2
