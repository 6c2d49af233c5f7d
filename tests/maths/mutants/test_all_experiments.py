"""Every experiment on a sample of its mutants: what it does not notice has a reason."""

import pytest

from dlmath.maths import all_experiments
from dlmath.maths.mutants import Explanations, audit

EVERY = 10  # docs/experiments.md has them all


@pytest.mark.slow  # some minutes
@pytest.mark.parametrize("one", all_experiments().values(), ids=all_experiments())
def test_what_an_experiment_does_not_notice_has_a_reason(one):
    found = Explanations.read().unexplained(audit(one, EVERY))
    assert found == []
