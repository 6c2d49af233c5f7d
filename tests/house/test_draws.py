"""The quick tests draw the same examples in every run, whatever ran before and however busy."""

import random
import sys
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, is_hypothesis_test, settings
from hypothesis import strategies as st


def drawn() -> list[int]:
    found = []

    @settings(max_examples=200)
    @given(st.integers())
    def draw(number: int) -> None:
        found.append(number)

    draw()
    return found


def module_of_constants(file: Path) -> ModuleType:
    file.write_text(f"NUMBERS = {list(range(-(10**6), 10**6, 7_919))}\n")
    module = ModuleType(file.stem)
    module.__file__ = str(file)
    return module


def test_no_property_is_drawn_or_timed_by_chance(request: pytest.FixtureRequest) -> None:
    properties = [item.obj for item in request.session.items if is_hypothesis_test(item.obj)]
    for function in [drawn_again_and_again, *properties]:
        its = function._hypothesis_internal_use_settings
        assert its.derandomize, function
        assert its.deadline is None, function
        assert HealthCheck.too_slow in its.suppress_health_check, function


@given(st.integers())
def drawn_again_and_again(number: int) -> None:
    """Stand for all properties where this file is run by itself."""


def test_a_draw_does_not_depend_on_the_modules_that_are_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = drawn()
    monkeypatch.setitem(sys.modules, "full", module_of_constants(tmp_path / "full.py"))

    assert drawn() == before


def test_the_global_generators_begin_alike_in_every_run() -> None:
    found = random.random(), np.random.random()  # noqa: NPY002
    assert found == (0.44801109629237235, 0.42505901759388387)  # of the name of this test


def test_weights_without_a_seed_are_the_same_in_every_run() -> None:
    layer = keras.layers.Dense(1)
    layer.build((1, 1))
    assert float(layer.kernel[0, 0]) == pytest.approx(0.04679381847381592)  # of this name


def test_a_failing_example_is_printed_with_its_values() -> None:
    @given(st.integers(0, 200))
    def fail(number: int) -> None:
        assert number < 100

    with pytest.raises(AssertionError) as failed:
        fail()
    assert any("number=100" in note for note in failed.value.__notes__)
