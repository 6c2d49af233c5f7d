"""In a checkout the folders at the top and the subpackages of dlmath are the same modules."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

FOLDERS = ("cli", "models")


def run_python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", FOLDERS)
def test_the_committed_link_leads_to_the_folder(name: str, repository: Path) -> None:
    link = repository / "dlmath" / name
    if link.is_file():  # a checkout without symbolic links holds the link's text
        assert link.read_text().strip() == f"../{name}"
    else:
        assert link.is_symlink()
        assert link.samefile(repository / name)


@pytest.mark.parametrize("first", ["import models, cli", "import dlmath.models, dlmath.cli"])
def test_both_names_give_the_same_module_objects(first: str, repository: Path) -> None:
    code = f"""
{first}
import importlib, pkgutil, sys
import cli, models, dlmath.cli, dlmath.models
assert cli is dlmath.cli and models is dlmath.models

import models.malaria
from models.pneumonia import TASK
import dlmath.models.malaria, dlmath.models.pneumonia
assert models.malaria is dlmath.models.malaria
assert TASK is dlmath.models.pneumonia.TASK
assert dlmath.models.malaria.__spec__.name == "dlmath.models.malaria"
"""
    done = run_python("-c", code, folder=repository)
    assert done.returncode == 0, done.stderr


def test_a_missing_submodule_is_an_ordinary_import_error(repository: Path) -> None:
    done = run_python("-c", "import models.nothing", folder=repository)
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'models.nothing'\n")


@pytest.mark.parametrize("module", ["cli", "dlmath", "dlmath.cli"])
def test_the_command_line_runs_as_a_module(module: str, repository: Path) -> None:
    done = run_python("-m", module, "--help", folder=repository)
    assert done.returncode == 0, done.stderr
    assert "train" in done.stdout


def test_every_package_is_named_in_pyproject(repository: Path) -> None:
    named = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = [
        file.parent.relative_to(repository) for file in (repository / "dlmath").rglob("__init__.py")
    ]
    found = {".".join(folder.parts) for folder in folders} | {f"dlmath.{name}" for name in FOLDERS}

    assert set(named["packages"]) == found
    assert named["package-dir"] == {f"dlmath.{name}": name for name in FOLDERS}
