import numpy as np
import pytest

from dlmath import seeds
from dlmath.maths.markov import (
    block_law,
    counted,
    entropy_rate,
    expected_loss,
    law_given,
    sampled,
    shares,
    stationary_law,
)

TWO = np.array([[0.9, 0.1], [0.2, 0.8]])  # of order 1


def coin(p: float) -> float:
    return float(-p * np.log(p) - (1 - p) * np.log(1 - p))


@pytest.fixture(scope="module")
def law() -> np.ndarray:
    """A law of order 2 over 3 letters."""
    return seeds.generator("law").dirichlet(np.full(3, 2.0), (3, 3))


def test_two_letters_by_hand():
    assert stationary_law(TWO) == pytest.approx([2 / 3, 1 / 3])
    assert entropy_rate(TWO) == pytest.approx(2 / 3 * coin(0.1) + 1 / 3 * coin(0.2))
    assert expected_loss(TWO, np.array([0.5, 0.5])) == pytest.approx(np.log(2))
    assert expected_loss(TWO, law_given(TWO, 0)) == pytest.approx(coin(1 / 3))


def test_the_stationary_law_stays(law):
    start = stationary_law(law)
    assert start.sum() == pytest.approx(1)
    assert (start[..., np.newaxis] * law).sum(axis=0) == pytest.approx(start)


def test_blocks_are_laws_of_their_ends(law):
    long = block_law(law, 4)
    assert long.sum(axis=(0, 1)) == pytest.approx(block_law(law, 2))
    assert long.sum(axis=(2, 3)) == pytest.approx(block_law(law, 2))
    assert law_given(law, 3) == pytest.approx(np.broadcast_to(law, (3, 3, 3, 3)))


def test_the_loss_of_the_source_itself_is_its_entropy_rate(law):
    assert expected_loss(law, law) == pytest.approx(entropy_rate(law))
    assert expected_loss(law, law_given(law, 1)) > entropy_rate(law) + 1e-3


def test_letters_are_counted_after_their_contexts():
    text = np.array([[0, 1, 1, 0, 1, 1], [1, 1, 1, 1, 1, 1]])
    found = counted(text, 2, 2)
    assert found.shape == (2, 2, 2, 2)
    assert found[0].tolist() == [[[0, 0], [0, 2]], [[0, 1], [1, 0]]]
    assert found[1, 1, 1].tolist() == [0, 4]
    assert shares(found[:1, 1:])[0, 0].tolist() == [[0, 1], [1, 0]]


def test_samples_have_the_law_of_the_source(law):
    text = sampled(law, 50, 4000, seeds.generator("text"))
    assert text.shape == (50, 4000)
    assert shares(counted(text, 2, 3).sum(axis=0)) == pytest.approx(law, abs=0.02)
