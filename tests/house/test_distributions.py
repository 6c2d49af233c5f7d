"""The wheel and the sdist of one commit have the same bytes, whoever builds them and when."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def committed(repository: Path) -> Path:
    if shutil.which("git") is None or not (repository / ".git").exists():
        pytest.skip("needs a checkout of git")
    return repository


def build(repository: Path, folder: Path, umask: int, zone: str) -> dict[str, str]:
    """Return the sha256 of each distribution, built in a clone of its own."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", repository, clone], check=True, umask=umask)
    # As it is now: the script that is tested may not be committed yet.
    script = repository / ".ci" / "build_distributions.py"
    subprocess.run(
        [sys.executable, script, folder / "out"],
        cwd=clone,
        env={**os.environ, "TZ": zone},
        stdout=subprocess.DEVNULL,
        check=True,
        umask=umask,
    )
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "out").iterdir())
    }


def test_two_builds_give_the_same_bytes(committed: Path, tmp_path: Path) -> None:
    first = build(committed, tmp_path / "first", 0o022, "UTC")
    time.sleep(2)  # zip and gzip count seconds, zip two at a time
    second = build(committed, tmp_path / "second", 0o077, "Asia/Tokyo")
    assert sorted(Path(name).suffix for name in first) == [".gz", ".whl"]
    assert first == second


def test_the_sdist_holds_what_builds_the_wheel_and_nobodys_name(
    committed: Path, tmp_path: Path
) -> None:
    build(committed, tmp_path, 0o022, "UTC")
    (sdist,) = (tmp_path / "out").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    names = {member.name.split("/", 1)[-1] for member in members}
    assert {"pyproject.toml", "LICENSE", "cli/train.py", "models/malaria.py"} <= names
    assert {"dlmath/evaluation/evaluation.schema.json", "dlmath/maths/notebook.mplstyle"} <= names
    assert {(member.uid, member.uname, member.mtime > 0) for member in members} == {(0, "", True)}
