"""Trainings on a disk that is full: one message, nothing lost, the same bits once there is room."""

import subprocess

import pytest

from dlmath.runs import Run
from dlmath.training import checkpoints
from dlmath.training.checkpoint_store import CheckpointStore
from tests.support import crashing

RECIPE = {
    "name": "small",
    "backbone": "malaria_cnn",
    "weights": "none",
    "tune": "all",
    "image_size": 8,
    "batch_size": 8,
    "epochs": 3,
    "patient_rules": [r"^(?P<patient>p\d+)_"],
    "positive_class": "dark",
    "mixup": 0.2,
}


@pytest.fixture
def disk(tmp_path):
    """Give a function that makes a file system of so many bytes, or changes its size."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def resize(size):
        again = "remount," if folder.is_mount() else ""
        command = ["mount", "-t", "tmpfs", "-o", f"{again}size={size}", "tmpfs", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip("needs a file system that can be mounted: run as root")
        return folder

    yield resize
    subprocess.run(["umount", folder], capture_output=True, check=False)


@pytest.mark.slow
def test_a_full_disk_of_any_size_loses_nothing(fork_server, draw_squares, disk, tmp_path):
    images = draw_squares(tmp_path / "images", {"dark": 90, "bright": 170}, noise=60)
    whole = Run(tmp_path / "whole")
    assert fork_server.call("train", str(whole.folder), str(images), RECIPE) == 0
    expected = crashing.result(whole)
    needed = sum(path.stat().st_size for path in whole.folder.rglob("*") if path.is_file())
    ends = []
    for share in (0.001, 0.02, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95):
        folder = disk(int(share * needed)) / f"run-{share}"
        code = fork_server.call("train", str(folder), str(images), RECIPE)
        ends.append(code)
        assert code in (0, 2), fork_server.errors()  # no traceback, and no SIGSEGV
        for path in folder.glob("checkpoints/epoch-*"):
            checkpoints.load(path)
        if CheckpointStore(folder / "checkpoints").saved_until() != "Nothing was saved yet":
            assert f"--resume {folder}" in fork_server.errors()
        disk(4 * needed)
        assert fork_server.call("train", str(folder), str(images), RECIPE) == 0
        assert crashing.result(Run(folder)) == expected
        subprocess.run(["umount", tmp_path / "disk"], check=True)
    assert 2 in ends
