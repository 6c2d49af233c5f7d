"""Settings and fixtures of all tests. Sets the environment before TensorFlow is first imported."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlmath._checkout import link_missing

ROOT = Path(__file__).resolve().parent.parent

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # ten bits of mantissa would fail every tolerance here
os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
os.environ["MPLBACKEND"] = "Agg"


def pytest_configure() -> None:
    """Stop with one message, not with an import error for each file."""
    for name in ("cli", "models"):
        if importlib.util.find_spec(f"dlmath.{name}") is None:
            raise pytest.UsageError(link_missing(name))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images beside the checkout; the test skips where there is none."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real images in ../shared/data")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests out of the user's cache and data folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLMATH_HOME", str(tmp_path_factory.mktemp("dlmath_home")))
        patch.delenv("DLMATH_DATA", raising=False)
        yield
