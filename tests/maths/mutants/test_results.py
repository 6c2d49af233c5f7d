"""The committed results: every experiment, every change and every break is accounted for."""

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


@pytest.mark.parametrize("name", all_experiments())
def test_every_change_is_noticed_or_explained(results, name):
    audit, explanations = results["mutants"][name], Explanations.read()
    mutants = [
        Mutant(one["function"], one["file"], one["line"], one["change"])
        for one in audit["survivors"]
    ]
    assert [one for one in mutants if not explanations.why(name, one)] == []
    assert sum(audit[how] for how in NOTICED) == audit["tried"] - len(mutants)


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.what)
def test_every_break_is_noticed(results, one):
    assert results["breaks"][one.what]


def test_no_verdict_is_wrong_on_another_seed(results):
    seeded = [name for name in all_experiments() if "seed" in find(name).defaults]
    assert list(results["seeds"]) == seeded
    wrong = {name: one for name, one in results["seeds"].items() if any(one.values())}
    assert wrong == {}
