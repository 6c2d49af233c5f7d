import inspect
from typing import get_args

import pytest
import typer
from typer.testing import CliRunner

from dlmath.cli.export import export
from dlmath.errors import UserError, VerificationError
from dlmath.export import FORMATS, formats
from dlmath.export.litert import QUANTIZATIONS
from dlmath.export.verification import Proof

app = typer.Typer()
app.command()(export)


HALVES = {"NORMAL": 12, "PNEUMONIA": 12}


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_choices_are_the_formats_that_work():
    for option, known in (("format", tuple(FORMATS)), ("quantize", QUANTIZATIONS)):
        (choices, _) = get_args(inspect.signature(export).parameters[option].annotation)
        assert get_args(choices) == known


def test_it_prints_where_the_export_lies(tiny_run, tmp_path, monkeypatch):
    proof = Proof(24, HALVES, 1e-5, 1, {"model": 3e-7}, 0, 1, None, 1234.0, 0.5)
    monkeypatch.setattr(formats, "verify", lambda *args, **kwargs: proof)

    result = invoke(tiny_run.folder, "--format", "keras", "--out", tmp_path / "out")

    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'out' / 'model.keras'}\n"
    assert (tmp_path / "out" / "model.keras").is_file()
    for told in ("24 images (12 positive + 12 negative)", "3.0e-07 (1e-05 allowed)", "1,234"):
        assert told in result.stderr
    told = {line.strip().rsplit("  ", 1)[0].strip(): line for line in result.stderr.splitlines()}
    assert told["decisions changed"].split()[-3:] == ["0", "(1", "allowed)"]
    assert told["abstentions changed"].split()[-3:] == ["1", "(1", "allowed)"]


@pytest.mark.parametrize(("changed", "warned"), [((0, 3), True), ((0, 0), False)])
def test_answers_that_fewer_bits_change_are_warned_of(tiny_run, monkeypatch, changed, warned):
    proof = Proof(24, HALVES, 0.1, 4, {"files": 0.05}, *changed, None, 1234.0, 0.5)
    monkeypatch.setattr(formats, "verify", lambda *args, **kwargs: proof)

    result = invoke(tiny_run.folder, "--format", "litert", "--quantize", "float16")

    assert result.exit_code == 0, result.output
    told = f"{changed[0]} of 24 decisions and {changed[1]} abstentions are not those of the run"
    assert (told in result.stderr) == warned
    assert ("--quantize none stays closer" in result.stderr) == warned


def test_an_export_that_does_something_else_exits_1(tiny_run, monkeypatch):
    def refuse(*args, **kwargs):
        raise VerificationError("The export does not do what the run does.")

    monkeypatch.setattr(formats, "verify", refuse)

    result = invoke(tiny_run.folder)

    assert isinstance(result.exception, VerificationError)
    assert result.exception.exit_code == 1
    assert not (tiny_run.exports / "saved_model").exists()


@pytest.mark.parametrize("unknown", [["--format", "savedmodel"], ["--quantize", "int4"]])
def test_an_unknown_format_is_refused(tiny_run, unknown):
    assert invoke(tiny_run.folder, *unknown).exit_code == 2


def test_fewer_bits_are_for_litert(tiny_run):
    result = invoke(tiny_run.folder, "--format", "onnx", "--quantize", "int8")

    assert isinstance(result.exception, UserError)
    assert "--format litert" in str(result.exception)
