"""Commands end as they should with closed streams, narrow encodings and full disks."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlmath.cli.output import OUT
from dlmath.cli.streams import prepare_streams

full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


@pytest.fixture
def narrow(monkeypatch):
    """Return what was written to a stdout of an encoding."""

    def open_stdout(encoding):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
        monkeypatch.setattr(sys, "stdout", stream)
        prepare_streams()
        return stream.buffer.getvalue

    return open_stdout


def run(*arguments, shell="", **streams):
    command = [sys.executable, "-m", "dlmath", *arguments]
    if shell:
        command = ["bash", "-c", f'"$@" {shell}', "bash", *command]
    return subprocess.run(command, text=True, check=False, **streams)


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", "a → b … 肺 \\xf6"),
        ("cp1252", "a -> b … \\u80ba \\xf6"),
        ("ascii", "a -> b ... \\u80ba \\xf6"),
    ],
)
def test_every_text_can_be_written_in_every_encoding(narrow, encoding, written):
    value = narrow(encoding)
    OUT.line("a → b … 肺 \udcf6")
    assert value().decode(encoding).rstrip() == written


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_json_is_json_in_every_encoding(narrow, encoding):
    value = narrow(encoding)
    OUT.document({"file": "肺 \udcf6.png", "n": [1.5, None]})
    assert json.loads(value().decode(encoding)) == {"file": "肺 \\xf6.png", "n": [1.5, None]}


def test_a_table_can_be_drawn_in_ascii(narrow):
    from rich.table import Table

    value = narrow("ascii")
    table = Table("truth")
    table.add_row("肺 → x")
    OUT.show(table)
    assert b"\\u80ba -> x" in value()


def test_closed_streams_are_opened(monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    prepare_streams()
    opened = [sys.stdin, sys.stdout, sys.stderr]
    assert [stream.isatty() for stream in opened] == [False] * 3
    assert sys.stdin.read() == ""
    for stream in opened:
        stream.close()


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize("shell", ["<&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_runs_with_closed_streams(shell):
    assert run("--version", shell=shell, capture_output=True).returncode == 0


@full
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["data", "list"]])
def test_a_full_disk_behind_stdout_is_said_and_is_no_fault_of_ours(arguments):
    done = run(*arguments, shell="> /dev/full", stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: Cannot write the output of this command: No space left on device. Make room, or "
        "send it elsewhere.\n"
    )


@full
def test_a_full_disk_behind_stderr_loses_no_result(tmp_path):
    done = run("runs", "show", "absent", shell="2> /dev/full", stdout=subprocess.PIPE)
    assert done.returncode == 2
    done = run("--version", shell="2> /dev/full", stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout[:6]) == (0, "dlmath")


@pytest.mark.skipif(os.name != "posix", reason="needs a pipe that breaks")
def test_a_reader_that_leaves_is_no_fault_of_ours():
    reading, writing = os.pipe()
    os.close(reading)
    done = run("--help", shell="", stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
