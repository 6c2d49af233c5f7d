"""The language model of arithmetic learns, writes, and its study runs."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.studies import arithmetic_proofs
from dlmath import seeds
from dlmath.sequences.arithmetic_checker import accepts
from dlmath.sequences.arithmetic_model import IDS, SHAPE, START, ProofWriter, packed

SMALL = replace(SHAPE, context=20, width=16, blocks=1, heads=2, dropout=0.0)
PROOF = [*"=+101:+101;T"]


def test_windows_begin_with_documents() -> None:
    rows = packed([PROOF, ["=", "3"]], 6, 20, seeds.generator("windows", 0))

    assert rows.shape == (6, 20)
    assert (rows[:, 0] == IDS[START]).all()


@pytest.fixture(scope="module")
def model():
    return ProofWriter(SMALL)


def test_a_model_learns_a_proof_by_heart_and_writes_it(model) -> None:
    losses = model.fit([PROOF], steps=60, rate=0.02, batch=4)

    assert losses[0] > 5 * losses[-1]
    assert model.write([PROOF[:6], PROOF[:6]]) == [PROOF, PROOF]
    assert accepts(PROOF)


def test_a_copy_has_the_weights_and_not_the_fate(model) -> None:
    before = model.model.get_weights()
    other = model.copy()
    other.fit([["=", "3"]], steps=1, batch=2)

    for mine, then in zip(model.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, then)


def test_draws_are_those_of_their_purpose(model) -> None:
    prompts = [["="]] * 4
    one, again, other = (model.write(prompts, 2.0, purpose=p) for p in ("a", "a", "b"))

    assert one == again != other
    assert all(len(text) < SMALL.context for text in one)


@pytest.mark.slow
def test_the_quick_study_has_a_count_for_each_family_and_way() -> None:
    found = arithmetic_proofs.study(arithmetic_proofs.QUICK)

    json.dumps(found)
    (run,) = found["runs"]
    assert len(run["ways"]) == 5
    for way in run["ways"].values():
        assert way["accepted"].keys() == run["test_propositions"].keys()
        for family, count in way["accepted"].items():
            assert 0 <= count <= run["test_propositions"][family]
            assert (family in way["right"]) is (count > 0)
