"""Names of functions in `about`, and wrong code in their place."""

from dataclasses import replace

import numpy as np
import pytest

from dlmath.maths import all_experiments, find
from dlmath.maths.mutants import targets_of
from dlmath.maths.network import softmax
from dlmath.maths.optimisers import Adam


def about(*names, of="adam-bias-correction"):
    return targets_of(replace(find(of), about=names))


@pytest.mark.parametrize("one", all_experiments().values(), ids=all_experiments())
def test_every_experiment_says_what_it_is_about_and_that_can_be_made_wrong(one):
    assert targets_of(one)
    assert all(target.mutants for target in targets_of(one))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Adam.step", ["optimisers.Adam.step"]),
        ("activations.tanh_slope", ["activations.tanh_slope"]),
        ("_rows", ["adaptive._rows"]),
        ("compute.lengths", ["adaptive.adam_bias_correction.lengths"]),
        ("compute.gradient", ["adaptive.adam_bias_correction.gradient"]),
        ("Adam", ["optimisers.Adam.start", "optimisers.Adam.step"]),
    ],
)
def test_a_name_is_a_function_a_class_or_something_in_the_code(name, found):
    assert [target.name for target in about(name)] == found


@pytest.mark.parametrize("name", ["nothing", "Adam.jump", "optimisers.nothing", "compute.nothing"])
def test_a_name_that_is_nowhere_is_refused(name):
    with pytest.raises(LookupError, match=r"nothing|jump"):
        [target.variants for target in about(name)]


def test_a_mutant_says_where_it_is_and_stays_only_for_the_block():
    (target,) = about("softmax", of="frobenius-adjoints")
    assert {one.file for one in target.mutants} == {"maths/network.py"}
    logits = np.array([[0.0, np.log(3.0)]])
    np.testing.assert_allclose(softmax(logits), [[0.25, 0.75]])
    negated = [one.change for one in target.mutants].index(
        "result `powers / powers.sum(axis=1, keepdims=True)` negated"
    )
    with target.installed(negated):  # in every module that imported it
        np.testing.assert_allclose(softmax(logits), [[-0.25, -0.75]])
    np.testing.assert_allclose(softmax(logits), [[0.25, 0.75]])


def test_a_method_is_changed_in_its_class():
    (target,) = about("Adam.step")
    right = Adam.step.__code__
    with target.installed(0):
        assert Adam.step.__code__ is not right
    assert Adam.step.__code__ is right
