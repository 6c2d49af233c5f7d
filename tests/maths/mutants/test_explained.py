"""Reasons for what survives: which mutant they are for, and when they are stale."""

import pytest

from dlmath.maths import all_experiments
from dlmath.maths.mutants import Audit, Explanation, Explanations, Judged, Mutant, targets_of

STEP = Mutant("optimisers.RmsProp.step", "maths/optimisers.py", 150, "`a` dropped in `a + b`")
OTHER = Mutant("optimisers.RmsProp.step", "maths/optimisers.py", 150, "`b` dropped in `a + b`")
AUDIT = Audit("rmsprop-is-scale-free", (Judged(STEP, "holds"), Judged(OTHER, "fails")))


def reasons(change=STEP.change, experiments=()):
    return Explanations((Explanation(STEP.function, change, "It is 0.", experiments),))


def test_a_survivor_has_the_reason_of_its_function_and_change():
    assert reasons().why("rmsprop-is-scale-free", STEP) == "It is 0."
    assert reasons().unexplained(AUDIT) == []
    assert reasons(OTHER.change).unexplained(AUDIT) == [STEP]


def test_a_reason_may_be_for_some_experiments_only():
    assert reasons(experiments=("best-step",)).why("rmsprop-is-scale-free", STEP) is None
    assert reasons(experiments=("best-step",)).why("best-step", STEP) == "It is 0."


def test_a_reason_for_what_is_noticed_is_stale():
    only = ("rmsprop-is-scale-free",)
    assert reasons(experiments=only).stale([AUDIT]) == []
    assert len(reasons(OTHER.change, only).stale([AUDIT])) == 1


def test_a_reason_is_not_judged_by_a_part_of_what_it_is_for():
    two = ("rmsprop-is-scale-free", "best-step")
    assert reasons(OTHER.change, two).stale([AUDIT]) == []


@pytest.mark.parametrize("one", Explanations.read().table, ids=lambda one: one.change)
def test_every_reason_of_the_table_is_for_a_mutant_that_is_made(one):
    assert one.why.endswith(".")
    assert set(one.experiments) <= set(all_experiments())
    found = [
        mutant.change
        for experiment in all_experiments().values()
        if not one.experiments or experiment.name in one.experiments
        for target in targets_of(experiment)
        if target.name == one.function
        for mutant in target.mutants
    ]
    assert one.change in found
