"""The checker checked: every fault in a backward pass is caught, or is none."""

import sys
from collections.abc import Iterator

import pytest

from benchmarks.trials import fault_table
from dlmath import layers
from dlmath.gradcheck import suite
from dlmath.gradcheck.faults import FAULTS
from dlmath.gradcheck.mutation import Fault, mutants
from dlmath.gradcheck.registry import CASES
from dlmath.layers import cancellation
from dlmath.runs import read_json

NEW_LAYER = """
from dlmath.layers.hand_derived import Function


class Cube(Function):
    def forward(self, x):
        return x**3, x

    def backward(self, cache, g):
        return {"x": 3 * cache**2 * g}
"""


@pytest.fixture
def cube(monkeypatch, tmp_path) -> Iterator[None]:
    """A module `cube.py` more in the package of layers."""
    (tmp_path / "cube.py").write_text(NEW_LAYER)
    monkeypatch.setattr(layers, "__path__", [*layers.__path__, str(tmp_path)])
    yield
    del sys.modules["dlmath.layers.cube"], layers.cube


def test_every_case_of_the_registry_has_a_name_of_its_own():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


def test_the_committed_result_holds_the_faults_there_are_and_leaves_none_uncaught():
    found = read_json(fault_table.RESULT)["faults"]
    assert all(one["equivalent"] or one["caught_by"] for one in found)
    expected = [(fault.where, fault.what) for fault in suite.all_faults()]
    assert sorted((one["where"], one["what"]) for one in found) == sorted(expected)


@pytest.mark.parametrize(
    ("what", "caught_by", "plain"),
    [
        ("`dL/dx` zero", ("tape",), "zero"),
        ("`result` negated", ("tape", "reference"), "negated"),
        ("`g` negated in `g * x`", ("tape",), None),
        ("`dL/dx` transposed", ("error",), "does not run"),
    ],
)
def test_faults_that_need_no_oracle_are_told_apart(what, caught_by, plain):
    fault = Fault("Dense.backward", what, layers.Dense, "backward", print)
    assert suite.Verdict(fault, caught_by, None, by_ones=False).plain == plain


def test_the_sums_that_keep_small_terms_are_mutated_too_and_float32_sees_it():
    fault = next(
        fault
        for fault in mutants(cancellation, "centred")
        if fault.what.startswith("`tf.reduce_sum(leaders(shares, axis) * g")
        and "drop" in fault.what
    )
    softmax = [case for case in CASES if case.name == "Softmax()"]
    assert suite.run([fault], softmax)[0].caught_by == ("float32",)


def test_what_a_case_does_not_show_at_its_own_point_its_extremes_do():
    # Without padding, average pooling may count the padding as it likes in its backward pass.
    fault = next(f for f in FAULTS if "padding counted" in f.what)
    for padded, oracle in ((False, "extremes"), (True, "tape")):
        cases = [
            case
            for case in CASES
            if case.kind == "AveragePooling2D" and ("padding=same" in case.name) == padded
        ]
        assert len(cases) == 1
        assert suite.run([fault], cases)[0].caught_by[0] == oracle


def test_a_fault_in_a_pass_that_no_case_uses_is_not_caught():
    fault = next(f for f in FAULTS if f.where == "Dense.backward")
    dropout = [case for case in CASES if case.kind == "Dropout"]
    verdict = suite.run([fault], dropout)[0]
    assert verdict.caught_by == ()
    assert not verdict.equivalent


def test_no_backward_pass_is_without_mutants():
    passes = list(suite.backward_passes())
    assert len(passes) > 30
    assert [found for found in passes if not mutants(*found)] == []


@pytest.mark.parametrize(
    "kind", ["LayerNormalization", pytest.param("SimpleRNN", marks=pytest.mark.slow)]
)
def test_the_right_pass_in_the_place_of_itself_is_no_fault(kind):
    """Float32 calls LayerNormalization() wrong where a feature dwarfs others: that is no catch."""
    owner = getattr(layers, kind)
    name = "backward" if kind == "LayerNormalization" else "retreat"
    same = Fault(f"{kind}.{name}", "nothing", owner, name, owner.__dict__[name])
    cases = [case for case in CASES if case.kind == kind]
    assert [suite.run([same], [case])[0].caught_by for case in cases] == [()] * len(cases)


def test_a_new_layer_gets_mutants_which_are_not_caught_until_a_case_uses_it(cube):
    made = [fault for fault in suite.all_faults() if fault.where == "Cube.backward"]
    assert len(made) >= 5
    dropout = [case for case in CASES if case.kind == "Dropout"]
    verdicts = suite.run(made, dropout)
    assert [verdict.caught_by for verdict in verdicts] == [()] * len(made)


@pytest.mark.slow
def test_the_committed_table_is_what_the_suite_finds():
    verdicts = suite.run(suite.all_faults())
    assert [v.fault for v in verdicts if not v.caught_by and not v.equivalent] == []
    assert fault_table.record(verdicts) == read_json(fault_table.RESULT)
