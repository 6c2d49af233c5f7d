"""Laws that rewards and checkers make of a first law, by hand."""

import numpy as np
import pytest

from dlmath.maths.alignment import accepted, best_of, gibbs, nats

P = np.array([0.5, 0.25, 0.25])


def test_a_reward_of_log_2_doubles_the_odds() -> None:
    law = gibbs(P, np.log([1.0, 2.0, 2.0]), temperature=1.0)

    np.testing.assert_allclose(law, [1 / 3, 1 / 3, 1 / 3], atol=1e-15)


def test_divergence_in_nats() -> None:
    assert nats(np.array([0.0, 0.5, 0.5]), P) == pytest.approx(np.log(2))
    assert nats(P, np.array([0.0, 0.5, 0.5])) == np.inf


def test_accepted_answers_keep_their_ratio() -> None:
    np.testing.assert_allclose(accepted(P, np.array([True, False, True])), [2 / 3, 0, 1 / 3])


def test_the_best_of_two() -> None:
    # The last is best with chance 1 - (3/4)^2, the second with (3/4)^2 - (1/2)^2.
    np.testing.assert_allclose(best_of(P, np.arange(3.0), 2), [4 / 16, 5 / 16, 7 / 16])
    # With a checker that accepts the last two: 1 - (1/2)^2, shared equally.
    np.testing.assert_allclose(best_of(P, np.array([0.0, 1.0, 1.0]), 2), [2 / 8, 3 / 8, 3 / 8])
