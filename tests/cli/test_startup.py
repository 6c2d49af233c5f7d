import os
import subprocess
import sys

import pytest

from dlmath.cli.progress import reporter
from dlmath.cli.startup import without_chatter

CHATTER = (
    b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
    b"fully_quantize: 0, inference_type: 6\n"
    b"I0000 00:00:1.2 cpu_feature_guard.cc:227] optimized\n"
)


def test_what_native_code_writes_passes_but_for_chatter(capfd):
    with without_chatter():
        os.write(2, b"one fault\n" + CHATTER + b"INFO of another kind\n")
        os.write(2, b"cut off")
    os.write(2, b", and after\n")

    lines = ["one fault", "INFO of another kind", "cut off, and after"]
    assert capfd.readouterr().err.splitlines() == lines


def test_a_fault_passes_at_once():
    """What a process says before it is killed from within is not lost."""
    program = (
        "import os; from dlmath.cli.startup import without_chatter\n"
        "with without_chatter():\n"
        "    os.write(2, b'Check failed: rank\\n')\n"
        "    os.read(0, 1)\n"
        "    os.abort()\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr.readline() == b"Check failed: rank\n"
        process.communicate(b"x")
    assert process.returncode < 0


def test_a_process_that_goes_on_holds_nobody_up(capfd):
    with without_chatter():
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        os.write(2, b"said\n")

    assert capfd.readouterr().err == "said\n"
    child.communicate(b"\n")
    assert child.returncode == 0


def test_a_fault_within_is_raised_and_stderr_is_back(capfd):
    with pytest.raises(KeyError), without_chatter():
        raise KeyError
    os.write(2, CHATTER)

    assert capfd.readouterr().err.encode() == CHATTER


def test_a_reporter_of_the_command_line_keeps_chatter_away(capfd):
    with reporter() as report, report.quietly():
        os.write(2, CHATTER)

    assert capfd.readouterr().err == ""
