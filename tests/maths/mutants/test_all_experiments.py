"""Every experiment on a sample of its mutants: few pass without a reason."""

import pytest

from dlmath.maths import all_experiments
from dlmath.maths.mutants import NOTICED, Explanations, audit

EVERY = 10  # docs/experiments.md has them all


@pytest.mark.slow  # two minutes
def test_of_the_changes_without_a_reason_95_in_100_are_noticed():
    explanations, noticed, left = Explanations.read(), 0, []
    for one in all_experiments().values():
        found = audit(one, EVERY)
        noticed += found.count(*NOTICED)
        left += explanations.unexplained(found)
    assert noticed >= 0.95 * (noticed + len(left)), left
