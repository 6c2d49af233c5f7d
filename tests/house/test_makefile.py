"""`make` takes a Python that runs and fits, says so where there is none, and lists its targets."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="needs make")


def make(
    folder: Path, *arguments: str, path: str | Path, rules: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run make with nothing but `path` on the path, and `rules` next to those of the Makefile."""
    assert MAKE is not None
    return subprocess.run(
        [MAKE, "-f", "Makefile", "-f", "-", *arguments],
        input=rules,
        cwd=folder,
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def put_python(folder: Path, name: str, version: str | None) -> None:
    """Write a stand-in that knows one program, the Makefile's; without a version, a dead shim."""
    body = "exit 127"
    if version is not None:
        major, minor = version.split(".")
        fits = 0 if (3, 11) <= (int(major), int(minor)) <= (3, 13) else 1
        body = f"echo {folder}/{name}\nexit {fits}"
    file = folder / name
    file.write_text(f"#!/bin/bash\n{body}\n")
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        ({"python3.13": "3.13", "python3.11": "3.11"}, "python3.13"),
        ({"python3.13": None, "python3.12": "3.12", "python3.11": "3.11"}, "python3.12"),
        ({"python3.12": None, "python3": "3.11"}, "python3"),
        ({"python3": "3.9", "python": "3.12"}, "python"),
        ({"python3": "3.14"}, ""),
        ({}, ""),
    ],
)
def test_the_first_python_that_runs_and_fits_is_taken(
    installed: dict[str, str | None], chosen: str, repository: Path, tmp_path: Path
) -> None:
    for name, version in installed.items():
        put_python(tmp_path, name, version)

    done = make(repository, "chosen", path=tmp_path, rules="chosen: ; @echo $(PYTHON)\n")

    assert done.stdout.strip() == (f"{tmp_path}/{chosen}" if chosen else "")


def test_without_a_python_the_message_says_what_to_do(repository: Path, tmp_path: Path) -> None:
    shutil.copy(repository / "Makefile", tmp_path)

    done = make(tmp_path, ".venv/bin/python", path=tmp_path / "empty")

    assert done.returncode == 2
    assert "make PYTHON=/path/to/python3.12" in done.stderr


def test_help_names_every_target(repository: Path) -> None:
    done = make(repository, path=os.environ["PATH"])
    targets = ("setup", "demo", "test", "explore", "lint", "notebooks", "bench", "lock", "clean")
    for target in targets:
        assert f"make {target} " in done.stdout
