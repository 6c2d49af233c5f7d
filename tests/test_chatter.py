import os
import subprocess
import sys
import threading

import pytest

from dlmath.chatter import without_chatter
from dlmath.cli.progress import reporter

CHATTER = (
    b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
    b"fully_quantize: 0, inference_type: 6\n"
    b"I0000 00:00:1.2 cpu_feature_guard.cc:227] optimized\n"
    b"To enable the following instructions: AVX2 FMA, rebuild TensorFlow.\n"
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
        "import os; from dlmath.chatter import without_chatter\n"
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


def test_threads_may_be_within_at_once(capfd):
    both_within, may_end = threading.Barrier(3, timeout=60), threading.Event()

    def work():
        with without_chatter():
            both_within.wait()
            may_end.wait(60)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    both_within.wait()
    os.write(2, b"within\n" + CHATTER)
    may_end.set()
    for thread in threads:
        thread.join()
    os.write(2, b"after\n")

    assert capfd.readouterr().err == "within\nafter\n"


def test_the_first_network_of_a_process_says_nothing_on_stderr():
    """LiteRT has no setting for the line by which it announces its kernels."""
    program = """
from dlmath.tensorflow_start import load_tensorflow_quietly
load_tensorflow_quietly()
import keras, numpy
from dlmath.features.convert import to_litert
from dlmath.inference.network import Network
x = keras.Input((4, 4, 3))
y = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(x))
Network(to_litert(keras.Model(x, y)))(numpy.zeros((5, 4, 4, 3), "uint8"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""


def test_matplotlib_does_not_speak_of_its_own_folders(tmp_path):
    """Keras imports it, and it warns where its folder cannot be made; it draws nothing here."""
    (tmp_path / "file").touch()
    program = (
        "from dlmath.tensorflow_start import load_tensorflow_quietly\n"
        "load_tensorflow_quietly()\n"
        "import matplotlib"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "MPLCONFIGDIR": str(tmp_path / "file" / "below")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
