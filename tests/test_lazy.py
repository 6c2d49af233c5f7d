"""Packages whose names load on first use: the names, where they come from, what mypy is shown."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from dlmath._lazy import lazy_names

PACKAGES = {
    "dlmath": "dlmath/__init__.py",
    "dlmath.data": "dlmath/data/__init__.py",
    "dlmath.evaluation": "dlmath/evaluation/__init__.py",
    "dlmath.inference": "dlmath/inference/__init__.py",
    "dlmath.models": "models/__init__.py",
}
every_package = pytest.mark.parametrize("package", PACKAGES)


def parts(file: Path) -> tuple[set[str], set[str]]:
    """The names that a package loads on first use, and those that it imports for mypy."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    (call,) = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and is_lazy(node))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    shown = {alias.name for line in block.body for alias in line.names}
    return set(ast.literal_eval(call.args[1])), shown


def is_lazy(node: ast.Call) -> bool:
    return ast.unparse(node.func) == "lazy_names"


@every_package
def test_what_is_public_what_loads_and_what_mypy_sees_are_the_same_names(package, repository):
    homes, shown = parts(repository / PACKAGES[package])
    public = set(importlib.import_module(package).__all__) - {"__version__"}
    assert homes == shown == public


@every_package
def test_every_public_name_loads_and_is_listed(package):
    module = importlib.import_module(package)
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        assert getattr(module, name) is getattr(module, name)


@every_package
def test_another_name_is_an_ordinary_attribute_error(package):
    with pytest.raises(AttributeError, match=f"^module '{package}' has no attribute 'nothing'$"):
        importlib.import_module(package).nothing  # noqa: B018


def test_no_package_has_a_way_of_its_own(repository: Path) -> None:
    own = [
        str(file.relative_to(repository))
        for folder in ("dlmath", "cli", "models")
        for file in (repository / folder).rglob("*.py")
        if "def __getattr__(name: str)" in file.read_text(encoding="utf-8")
    ]
    assert own == []


def test_subpackages_are_attributes_of_dlmath(repository: Path) -> None:
    code = "import dlmath, sys; assert 'dlmath.maths' not in sys.modules; print(dlmath.maths)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("<module 'dlmath.maths'"), done.stderr


def test_a_name_is_looked_up_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "a_package", package := type(sys)("a_package"))
    load, listed = lazy_names("a_package", {"sqrt": "math"}, subpackages=("inner",))
    assert load("sqrt")(9) == 3
    assert package.sqrt(9) == 3
    assert listed() == sorted({*vars(package), "sqrt", "inner"})
