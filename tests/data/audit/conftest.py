import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TESTS = Path(__file__).resolve().parents[2]


def _load(name: str) -> ModuleType:
    """Import a module that lies in no package that a test could import it from."""
    spec = importlib.util.spec_from_file_location(name, TESTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where its dataclasses look for their own names
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def planting() -> ModuleType:
    """The module `tests/planting.py`, shared with the benchmarks."""
    return _load("planting")


@pytest.fixture(scope="session")
def mutating() -> ModuleType:
    """The module `tests/mutating.py`, shared with the benchmarks."""
    return _load("mutating")
