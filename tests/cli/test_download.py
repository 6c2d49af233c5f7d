import pytest
from typer.testing import CliRunner

from dlmath.cli import data
from dlmath.data import downloads
from dlmath.errors import DataError, UserError


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """What the library is called with, in the place of fetching anything."""
    calls = []

    def download(task, **options):
        calls.append((task, options))
        return options["out"] or tmp_path / "home" / "data" / task

    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(downloads, "download", download)
    return calls


def invoke(*arguments):
    return CliRunner().invoke(data.app, ["download", *map(str, arguments)])


def test_the_folder_is_the_only_line_on_stdout(calls, tmp_path):
    folder = tmp_path / "home" / "data" / "malaria"
    folder.mkdir(parents=True)
    result = invoke("malaria")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{folder}\n"
    assert result.stderr.splitlines()[-1] == "Next: dlmath train malaria"


def test_data_in_another_place_are_named_to_training(calls, tmp_path):
    result = invoke("pneumonia", "--out", tmp_path / "films")
    assert result.stderr.splitlines()[-1] == (
        f"Next: dlmath train pneumonia --data {tmp_path / 'films'}"
    )


def test_the_options_reach_the_library(calls, tmp_path):
    invoke("malaria", "--mirror", "http://localhost/x", "--timeout", "3", "--retries", "0")
    ((task, options),) = calls
    assert task == "malaria"
    assert options["mirror"] == "http://localhost/x"
    assert (options["patience"].timeout, options["patience"].retries) == (3, 0)


def test_an_archive_or_a_mirror_but_not_both(calls):
    result = invoke("malaria", "--mirror", "http://localhost/x", "--archive", "x.zip")
    assert isinstance(result.exception, UserError)
    assert calls == []


def test_a_missing_archive_is_one_message(monkeypatch, tmp_path):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    result = invoke("malaria", "--archive", tmp_path / "none.zip")
    assert isinstance(result.exception, DataError)
    assert str(tmp_path / "none.zip") in str(result.exception)


def test_training_without_data_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(data.app, ["info", "malaria"])
    assert "`dlmath data download malaria`" in str(result.exception)
