import os
import shutil
import subprocess
import sys

import pytest

from dlmath.cli.completion import backbone_names, run_names, task_names

# What the installed command is: Typer reads the name of its variable from the first word.
PROGRAM = "import sys; sys.argv = ['dlmath']; from dlmath.cli.main import main; main()"


@pytest.fixture
def _two_runs(tiny_run, tmp_path, monkeypatch):
    """Two runs and a folder that is none, in the working folder's `runs/`."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_run.folder, tmp_path / "runs" / "tidy")
    (tmp_path / "runs" / "timber").mkdir()


def completed(*words):
    """What the shell would offer for the last of the words."""
    environment = {
        **os.environ,
        "_DLMATH_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["dlmath", *words]),
        "COMP_CWORD": str(len(words)),
    }
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert not {"numpy", "rich.console", "tensorflow", "keras"} & loaded
    return result.stdout.split()


@pytest.mark.usefixtures("_two_runs")
def test_runs_are_offered_by_name():
    assert run_names("ti") == ["tidy", "tiny"]
    assert run_names("tin") == ["tiny"]
    assert run_names("x") == []


def test_without_runs_nothing_is_offered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert run_names("") == []


def test_tasks_and_networks_are_offered():
    assert task_names("m") == ["malaria"]
    assert backbone_names("efficientnet_l") == [f"efficientnet_lite{n}" for n in range(3)]


@pytest.mark.usefixtures("_two_runs")
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["ex"], ["explain", "export"]),
        (["evaluate", "ti"], ["tidy", "tiny"]),
        (["predict", "tin"], ["tiny"]),
        (["runs", "compare", "tiny", "ti"], ["tidy", "tiny"]),
        (["train", "--resume", "ti"], ["tidy", "tiny"]),
        (["export", "--format", ""], ["saved_model", "keras", "litert", "onnx"]),
        (["train", "pn"], ["pneumonia"]),
        (["train", "malaria", "--recipe", "p"], ["paper"]),
        (["train", "--set", "abstain_c"], ["abstain_coverage="]),
        (["train", "--set", "optim"], ["optimizer=adam", "optimizer=adamw", "optimizer=sgd"]),
    ],
)
def test_the_shell_is_told_without_loading_what_computes(words, wanted):
    assert completed(*words) == wanted
