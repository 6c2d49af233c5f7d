import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def faulty_server(repository: Path) -> ModuleType:
    """The module `faulty_server.py`, which lies in no package that a test could import it from."""
    file = repository / "tests" / "faulty_server.py"
    spec = importlib.util.spec_from_file_location("faulty_server", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for their own names
    spec.loader.exec_module(module)
    return module
