import os
import signal
import subprocess
import sys

import pytest

from dlmath.data.locks import held
from dlmath.errors import DataError

HOLD = """
import sys
from pathlib import Path
from dlmath.data.locks import held
with held(Path(sys.argv[1]), "holding"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_free_again_after_the_block(tmp_path):
    for _ in range(2):
        with held(tmp_path / "lock", "writing"):
            assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_lock_is_free_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), held(tmp_path / "lock", "dividing"):
        _ = 1 / 0
    with held(tmp_path / "lock", "writing"):
        pass


def test_the_lock_of_another_process_ends_with_it(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(DataError, match=rf"process \({other.pid}\) is writing already"),
            held(tmp_path / "lock", "writing"),
        ):
            pass
        other.send_signal(signal.SIGKILL)
    with held(tmp_path / "lock", "writing"):
        pass
