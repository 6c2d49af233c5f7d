"""Reasons for what survives: which mutant they are for, and when they are stale."""

from functools import cache

from dlmath.maths import all_experiments, find
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


@cache
def changes(experiment, function):
    """Return the changes that are made to a function for an experiment."""
    found = [target for target in targets_of(find(experiment)) if target.name == function]
    return {mutant.change for target in found for mutant in target.mutants}


def test_every_reason_is_a_sentence_about_a_change_that_is_made():
    for one in Explanations.read().table:
        assert one.why.endswith("."), one
        assert set(one.experiments) <= set(all_experiments()), one
        names = one.experiments or all_experiments()
        assert any(one.change in changes(name, one.function) for name in names), one


def test_reasons_are_read_from_every_table_of_a_folder(tmp_path):
    row = '[[survivor]]\nfunction = "f"\nchange = "{0}"\nwhy = "So."\n'
    (tmp_path / "b.toml").write_text(row.format("second") + 'experiments = ["best-step"]\n')
    (tmp_path / "a.toml").write_text(row.format("first"))
    assert Explanations.read(tmp_path).table == (
        Explanation("f", "first", "So."),
        Explanation("f", "second", "So.", ("best-step",)),
    )
