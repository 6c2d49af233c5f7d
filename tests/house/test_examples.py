"""The examples of the docstrings run, in the order in which a reader would try them."""

import doctest
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# The ten functions that most users call, each after those whose run or files it needs.
PUBLIC = (
    "dlmath.data:write_phantoms",
    "dlmath.audit:audit_data",
    "dlmath.training:train",
    "dlmath.evaluation:evaluate",
    "dlmath.inference:predict",
    "dlmath.explain:explain_files",
    "dlmath.drift:drift",
    "dlmath.doctor:examine",
    "dlmath.export:export",
    "dlmath.models:load",
)
QUICK = ("dlmath.layers:Dense",)


def named(place: str) -> Any:
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)


def run_example(target: Callable[..., Any] | type, name: str) -> int:
    """Run the examples in the docstring of a function or class itself, and return their number."""
    [found] = doctest.DocTestFinder(recurse=False).find(target, name, globs={})
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(found)
    assert outcome.failed == 0, name
    return outcome.attempted


@pytest.mark.parametrize("place", QUICK)
def test_the_example_of_a_layer_runs(place: str) -> None:
    assert run_example(named(place), place) > 0


@pytest.mark.slow
def test_the_examples_of_the_public_functions_run_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(PUBLIC) == 10
    for place in PUBLIC:
        assert run_example(named(place), place) > 0, place


def test_an_example_that_is_wrong_fails() -> None:
    def wrong() -> None:
        """Return nothing.

        >>> 1 + 1
        3
        """

    with pytest.raises(AssertionError, match="wrong"):
        run_example(wrong, "wrong")
