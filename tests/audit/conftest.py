import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _load(path: Path) -> ModuleType:
    """Import a module that lies in no package that a test could import it from."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # where its dataclasses look for their own names
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def planting() -> ModuleType:
    """The module `tests/planting.py`, shared with the benchmarks."""
    return _load(ROOT / "tests" / "planting.py")


@pytest.fixture(scope="session")
def mutated_files() -> ModuleType:
    """The module `benchmarks/trials/mutated_files.py`."""
    return _load(ROOT / "benchmarks" / "trials" / "mutated_files.py")
