"""The files that git tracks, for the tests of the house."""

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def tracked_files(repository: Path) -> list[Path]:
    if shutil.which("git") is None or not (repository / ".git").exists():
        pytest.skip("needs a checkout of git")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True
    )
    files = [repository / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]
