import errno
import os
import re
import signal
import subprocess
import sys
import tempfile

import pytest

import dlmath
from dlmath.cli import main as main_module
from dlmath.errors import (
    CheckFailedError,
    DataError,
    DivergedError,
    Stopped,
    VerificationError,
)


def run(monkeypatch, *arguments):
    """Call the command line in this process; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["dlmath", *arguments])
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            main_module.main()
    finally:
        signal.signal(signal.SIGTERM, handler)
    return ended.value.code or 0


@pytest.mark.parametrize(
    "command",
    [
        "check",
        "doctor",
        "drift",
        "reproduce",
        *(f"learn {name}" for name in ("run", "audit", "errata", "certify")),
    ],
)
def test_help_of_a_command_whose_answer_may_be_no_names_its_exit_code(monkeypatch, capsys, command):
    assert run(monkeypatch, *command.split(), "--help") == 0
    assert "xits with 4" in capsys.readouterr().out


@pytest.mark.parametrize("group", [(), ("data",), ("learn",), ("runs",)])
def test_no_command_is_listed_with_half_a_sentence(monkeypatch, capsys, group):
    monkeypatch.setenv("COLUMNS", "80")
    assert run(monkeypatch, *group, "--help") == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert len(listed) > 3
    assert [line for line in listed if line.endswith("...")] == []


def test_help_lists_the_exit_codes(monkeypatch, capsys):
    assert run(monkeypatch, "--help") == 0
    assert main_module.EXIT_CODES in " ".join(capsys.readouterr().out.split())


def test_the_page_and_the_help_list_the_same_exit_codes(repository):
    page = (repository / "docs" / "command-line.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if re.match(r"\| \d", line)]
    listed = [int(code) for row in rows for code in row.split(",")]
    assert listed == [int(code) for code in re.findall(r"\b\d+\b", main_module.EXIT_CODES)]
    errors = [DataError, CheckFailedError, DivergedError, VerificationError]
    assert {error.exit_code for error in errors} | {128 + 2, 128 + 15} < set(listed)


def test_a_check_whose_answer_is_no_exits_with_4(monkeypatch, capsys):
    assert run(monkeypatch, "learn", "run", "best-step", "--set", "assumed=0.5") == 4
    assert "1 of 1 statements fail" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["predict", "explain", "train"])
def test_a_file_whose_name_begins_with_a_dash_is_no_unknown_option(
    monkeypatch, tmp_path, capsys, command
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-x 1.png").write_bytes(b"")
    assert run(monkeypatch, command, "a.png", "-x 1.png") == 2
    said = capsys.readouterr().err
    assert "'-x 1.png' is a file here" in said
    assert "Write './-x 1.png', or -- before the first file." in said
    assert run(monkeypatch, command, "a.png", "-y.png") == 2
    assert "is a file here" not in capsys.readouterr().err


def test_the_version_is_printed(monkeypatch, capsys):
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"dlmath {dlmath.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "pnuemonia"], "Did you mean 'pneumonia'"),
        (["train"], "TASK is missing"),
        (["train", "pneumonia", "--epochs", "-3"], "--epochs"),
        (["train", "pneumonia", "--epoch", "3"], "--epochs"),
        (["train", "pneumonia", "--learning-rate", "0"], "`learning_rate` must be above 0"),
        (["train", "pneumonia", "--set", "epoch=3"], "Did you mean 'epochs'"),
        (["train", "pneumonia", "--set", "patience=many"], "`patience` must be a whole number"),
        (["train", "pneumonia", "--backbone", "resnet"], "There is no backbone 'resnet'"),
        (["train", "pneumonia", "--data", "absent"], "absent"),
        (["train", "pneumonia", "--resume", "r"], "A resumed run keeps its own recipe"),
        (["train", "--resume", "r", "--epochs", "3"], "--epochs"),
        (["train", "--resume", "absent"], "No run at absent"),
        (["train", "--resume", "r", "--from", "s"], "--from"),
        (["train", "malaria", "--force"], "--force belongs to --resume"),
        (["train", "--from", "absent", "--data", "d"], "No run at absent"),
        (["train", "--from", "r", "--folds", "3"], "--from does not take --folds"),
        (["train", "--from", "r", "--recipe", "paper"], "--from does not take --recipe"),
        (["train", "--resume", "r", "--recipe", "paper"], "--resume does not take --recipe"),
        (
            ["train", "malaria", "--data", "phantom", "--checkpoint-every", "5"],
            "200steps, 30s, 5min or 1h",
        ),
        (
            [
                "train",
                "pneumonia",
                "--data",
                "phantom",
                "--tune",
                "head",
                "--checkpoint-every",
                "5s",
            ],
            "--set head_solver=sgd",
        ),
        (["runs", "show"], "There is no finished run"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    monkeypatch, tmp_path, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pnuemonia"], "Did you mean 'pneumonia'"),
        (["pneumonia"], "There are no data of 'pneumonia'"),
        (["pneumonia", "--data", "absent"], "There are no data at absent"),
        (["pneumonia", "--data", "phantom", "--backbone", "resnet"], "no backbone 'resnet'"),
        (
            ["malaria", "--data", "phantom", "--recipe", "nonsense"],
            "malaria has no further recipe 'nonsense'. There are, by task: malaria: paper; "
            "pneumonia: paper.",
        ),
        (["pnuemonia", "--recipe", "paper"], "Did you mean 'pneumonia'"),
        (["full", "--recipe", "paper"], "Only a task that ships has a further recipe."),
        (["own.toml", "--recipe", "paper"], "Received: recipe='paper' with own.toml"),
        (
            ["pneumonia", "--data", "phantom", "--weights", "absent.h5"],
            "no file of weights absent.h5",
        ),
        (["pneumonia", "--tune", "all", "--set", "tune=head"], "`tune` is given twice"),
        (["pneumonia", "--data", "phantom", "--image-size", "9"], "at least 32 pixels a side"),
        (["pneumonia", "--data", "phantom", "--out", "full"], "must be absent or empty"),
    ],
)
def test_a_slip_is_told_of_before_tensorflow_is_waited_for(
    monkeypatch, tmp_path, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DLMATH_DATA", raising=False)
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    (tmp_path / "own.toml").write_text("name = 'own'\n", encoding="utf-8")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    monkeypatch.setattr("dlmath.cli.train.load_tensorflow", lambda: pytest.fail("it was loaded"))
    assert run(monkeypatch, "train", *arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [(DataError("bad"), 2), (Stopped("saved", 2), 130), (ZeroDivisionError("ours"), 1)],
)
def test_an_error_becomes_a_line_and_its_exit_code(monkeypatch, capsys, error, code):
    def fail():
        raise error

    monkeypatch.setattr(main_module, "app", fail)
    monkeypatch.delenv("DLMATH_DEBUG", raising=False)
    assert run(monkeypatch) == code
    printed = capsys.readouterr().err
    assert str(error) in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENAMETOOLONG])
def test_a_place_that_the_system_refuses_is_the_input(monkeypatch, capsys, number):
    def fail():
        raise OSError(number, os.strerror(number), "/cache/audit")

    monkeypatch.setattr(main_module, "app", fail)
    assert run(monkeypatch) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"Error: The system refuses /cache/audit: {os.strerror(number)}.")
    assert "DLMATH_HOME" in printed


def test_a_stopped_command_leaves_nothing_half_written(monkeypatch, tmp_path):
    def exporting():
        with tempfile.TemporaryDirectory(dir=tmp_path):
            os.kill(os.getpid(), signal.SIGTERM)
            pytest.fail("the signal did not end it")

    monkeypatch.setattr(main_module, "app", exporting)
    assert run(monkeypatch) == 143
    assert not any(tmp_path.iterdir())


def test_the_traceback_is_there_for_those_who_want_it(monkeypatch):
    def fail():
        raise DataError("bad")

    monkeypatch.setattr(main_module, "app", fail)
    monkeypatch.setenv("DLMATH_DEBUG", "1")
    with pytest.raises(DataError):
        main_module.main()


@pytest.mark.slow
def test_standard_output_holds_the_runs_path_alone(tmp_path, repository):
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    del environment["TF_CPP_MIN_LOG_LEVEL"]  # the tests set it; a user does not
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dlmath", "train", "malaria", "--data", "phantom"),
            *("--recipe", "paper", "--epochs", "1", "--image-size", "16", "--out", "run"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "run\n"
    lines = done.stderr.splitlines()
    assert lines[0] == "Loading TensorFlow …"
    assert not [line for line in lines if "0000 00:00" in line]  # TensorFlow's own chatter
