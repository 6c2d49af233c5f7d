"""What a user names is written to; what lies there stays what it is."""

import ast
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dlmath import output_files
from dlmath.errors import UserError
from dlmath.output_files import write_output

posix = pytest.mark.skipif(os.name != "posix", reason="needs links, modes and pipes")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_text_and_bytes_are_written_and_folders_are_made(tmp_path):
    write_output(tmp_path / "new" / "t.txt", "ä", "--out")
    write_output(str(tmp_path / "b.bin"), b"\xff", "--out")
    assert (tmp_path / "new" / "t.txt").read_bytes() == "ä".encode()
    assert (tmp_path / "b.bin").read_bytes() == b"\xff"


@posix
def test_permissions_of_a_file_stay(tmp_path):
    path = tmp_path / "private.csv"
    path.write_text("old")
    path.chmod(0o600)
    write_output(path, "new", "--csv")
    assert (path.read_text(), mode(path)) == ("new", 0o600)
    write_output(tmp_path / "other.csv", "new", "--csv")
    (tmp_path / "theirs").write_text("x")
    assert mode(tmp_path / "other.csv") == mode(tmp_path / "theirs")


@posix
@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_is_followed(tmp_path, is_there):
    (tmp_path / "far").mkdir()
    real, link = tmp_path / "far" / "real.csv", tmp_path / "link.csv"
    if is_there:
        real.write_text("old")
    link.symlink_to("far/real.csv")
    write_output(link, "new", "--csv")
    assert (link.is_symlink(), real.read_text()) == (True, "new")
    assert [path.name for path in real.parent.iterdir()] == ["real.csv"]


@posix
def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_output(pipe, "through" * 20_000, "--csv")
    reader.join()
    assert (read, pipe.is_fifo()) == (["through" * 20_000], True)


@posix
def test_a_pipe_that_is_not_read_is_refused(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(output_files, "PATIENCE", 0.0)
    with pytest.raises(UserError, match="no program reads from this pipe. Pass another .* --csv"):
        write_output(tmp_path / "pipe", "x", "--csv")


@posix
def test_a_device_is_written_to_and_stays():
    before = Path("/dev/null").stat()
    write_output("/dev/null", "x", "--csv")
    after = Path("/dev/null").stat()
    assert (before.st_mode, before.st_rdev) == (after.st_mode, after.st_rdev)
    if Path("/dev/full").exists():
        with pytest.raises(UserError, match="Cannot write /dev/full: No space left"):
            write_output("/dev/full", "x", "--csv")


@posix
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("to_file", [True, False])
def test_a_descriptor_is_written_to(tmp_path, name, to_file):
    code = f"from dlmath.output_files import write_output as w; w({name!r}, 'said\\n', '--csv')"
    kept = tmp_path / "kept"
    kept.write_text("before\n")
    with kept.open("a") as appended:
        stdout = appended if to_file else subprocess.PIPE
        done = subprocess.run([sys.executable, "-c", code], stdout=stdout, check=True)
    text = kept.read_text() if to_file else "before\n" + done.stdout.decode()
    assert text == "before\nsaid\n"


def test_what_cannot_be_written_names_the_option(tmp_path):
    with pytest.raises(UserError, match=r"Cannot write .*: Is a directory.*--html"):
        write_output(tmp_path, "x", "--html")


def test_names_that_are_no_text_are_written_readably(tmp_path):
    write_output(tmp_path / "t.csv", "file\nr\udcf6.png\n", "--csv")
    assert (tmp_path / "t.csv").read_text() == "file\nr\\xf6.png\n"


def test_no_command_writes_to_a_file_by_itself(repository):
    """Every output that a command writes goes through `write_output`."""
    for path in (repository / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
            assert name not in {"write_text", "write_bytes", "write_csv"}, path
