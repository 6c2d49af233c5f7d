"""What a user starts with, and every command's help, comes up without TensorFlow."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("keras", "tensorflow", "tensorflow_datasets", "sklearn", "matplotlib")
HELP = """
from dlmath.cli.main import main
sys.argv = ['dlmath', *{arguments}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def loaded_after(code: str, folder: Path) -> list[str]:
    """Run `code` in a new interpreter and name the heavy packages that it loaded."""
    report = (
        f"import sys\n{code}\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", report], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[-1].split()


@pytest.mark.parametrize(
    "module",
    [
        "dlmath",
        "dlmath.cli",
        "dlmath.cli.main",
        "dlmath.data.pixels",
        "dlmath.inference.predict_files",
        "dlmath.models",
    ],
)
def test_importing_loads_no_tensorflow(module: str, repository: Path) -> None:
    assert loaded_after(f"import {module}", repository) == []


def test_no_command_module_loads_tensorflow(repository: Path) -> None:
    code = (
        "import importlib, pkgutil, dlmath.cli\n"
        "names = [m.name for m in pkgutil.iter_modules(dlmath.cli.__path__, 'dlmath.cli.')]\n"
        "assert 'dlmath.cli.main' in names\n"
        "[importlib.import_module(name) for name in names if not name.endswith('__main__')]"
    )
    assert loaded_after(code, repository) == []


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_loads_no_tensorflow(arguments: list[str], repository: Path) -> None:
    assert loaded_after(HELP.format(arguments=arguments), repository) == []


def test_the_check_sees_what_is_loaded(repository: Path) -> None:
    assert loaded_after("import sklearn", repository) == ["sklearn"]
