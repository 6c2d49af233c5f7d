"""The committed results: of every experiment, of every change, of every break and seed."""

import json

import pytest

from dlmath.maths import all_experiments, find
from dlmath.maths.mutants import NOTICED, Explanations, Mutant
from dlmath.maths.mutants.breaks import BREAKS


@pytest.fixture(scope="module")
def results(repository):
    return json.loads((repository / "benchmarks/results/experiment-mutants.json").read_text())


def test_every_experiment_was_audited(results):
    assert list(results["mutants"]) == list(all_experiments())


def test_of_the_changes_without_a_reason_95_in_100_are_noticed(results):
    explanations, noticed, left = Explanations.read(), 0, 0
    for name, audit in results["mutants"].items():
        mutants = [Mutant(**one) for one in audit["survivors"]]
        assert sum(audit[how] for how in NOTICED) == audit["tried"] - len(mutants), name
        noticed += audit["tried"] - len(mutants)
        left += sum(not explanations.why(name, one) for one in mutants)
    assert noticed >= 0.95 * (noticed + left)


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.what)
def test_every_break_is_noticed(results, one):
    assert results["breaks"][one.what]


def test_no_verdict_is_wrong_on_another_seed(results):
    seeded = [name for name in all_experiments() if "seed" in find(name).defaults]
    assert list(results["seeds"]) == seeded
    wrong = {name: one for name, one in results["seeds"].items() if any(one.values())}
    assert wrong == {}
