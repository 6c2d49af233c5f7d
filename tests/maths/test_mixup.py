"""The bound of Mixup's remainder is the third moment of how far a mixed score is off its mean."""

from math import sqrt

import numpy as np
import pytest

from dlmath.maths.experiments.mixup import beta_rule, remainder_bound


@pytest.mark.parametrize(("first", "second"), [(1.4, 0.4), (2.0, 1.0), (5.0, 5.0)])
def test_the_rule_has_the_moments_of_the_beta_law(first, second):
    lam, weights = beta_rule(first, second)
    mean = first / (first + second)
    assert weights @ lam == pytest.approx(mean, rel=1e-12)
    variance = mean * (1 - mean) / (first + second + 1)
    assert weights @ (lam - mean) ** 2 == pytest.approx(variance, rel=1e-12)


def test_the_bound_for_two_scores_by_hand():
    # Of the score 1, with weights from Beta(2, 1) of density 2 lam and mean 2/3: the partner 0
    # gives lam, the partner 1 gives 1, and the mean is 5/6. The score 0 is the mirror image.
    one = 2 * ((5 / 6) ** 5 / 20)  # of (5/6 - lam)^3 below 5/6
    one += 2 * ((1 / 6) ** 4 / 4 * 5 / 6 + (1 / 6) ** 5 / 5)  # and above
    third = (one + (1 / 6) ** 3) / 2
    bound = remainder_bound(np.array([0.0, 1.0]), 1.0)
    assert bound == pytest.approx(third / (36 * sqrt(3)), rel=1e-3)  # a kink within the rule
