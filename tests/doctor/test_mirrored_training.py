import subprocess
from types import SimpleNamespace

import pytest

from dlmath.doctor import mirrored_training


@pytest.mark.slow
def test_two_virtual_devices_equal_one():
    verdict = mirrored_training.two_devices()
    assert verdict.word == "ok", verdict
    assert "two mirrored virtual devices" in verdict.found


def program(monkeypatch, *, code=0, out="", err=""):
    done = SimpleNamespace(returncode=code, stdout=out, stderr=err)
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: done)
    return mirrored_training.two_devices()


@pytest.mark.parametrize("difference", ["1e-3\n", "nan\n"])
def test_a_difference_is_a_fault(monkeypatch, difference):
    verdict = program(monkeypatch, out=difference)
    assert verdict.word == "fault"
    assert "1e-05 is allowed" in verdict.found


def test_a_program_that_fails_is_a_fault(monkeypatch):
    verdict = program(monkeypatch, code=1, err="Traceback\nValueError: no devices\n")
    assert verdict.word == "fault"
    assert verdict.found.endswith("ValueError: no devices")


def test_a_program_that_hangs_is_a_fault(monkeypatch):
    def hang(*args, timeout, **kwargs):
        raise subprocess.TimeoutExpired("python", timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    assert "did not end within" in mirrored_training.two_devices().found
