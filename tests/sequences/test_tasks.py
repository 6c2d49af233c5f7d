"""Tasks on sequences: what is drawn, and the losses that are known of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.seeds import generator
from dlmath.sequences.tasks import MEMORISED, SYMBOLS, TASKS

ADDING, COPYING, EVEN = TASKS["adding"], TASKS["copying"], TASKS["even process"]
lengths = st.integers(2, 30)
numbers = st.integers(0, 1000)


def cross_entropy(chance_of_1, tokens):
    return -np.mean(np.log(np.where(tokens == 1, chance_of_1, 1 - chance_of_1)))


@given(lengths, numbers)
def test_the_sum_of_the_two_marked_numbers_is_asked(length, seed):
    drawn = ADDING.draw(length, 20, generator("test", seed))
    numbers, marks = np.moveaxis(drawn.inputs, -1, 0)

    assert drawn.inputs.dtype == drawn.targets.dtype == np.float32
    assert drawn.inputs.shape == (20, length, 2)
    assert np.all((marks == 0) | (marks == 1))
    assert np.all(marks[:, : length // 2].sum(axis=1) == 1)
    assert np.all(marks[:, length // 2 :].sum(axis=1) == 1)
    assert np.all((numbers >= 0) & (numbers <= 1))
    np.testing.assert_allclose(drawn.targets[:, 0, 0], (numbers * marks).sum(axis=1), rtol=1e-6)


@given(lengths, numbers)
def test_the_first_symbols_are_asked_after_the_blanks(length, seed):
    drawn = COPYING.draw(length, 20, generator("test", seed))
    tokens = drawn.inputs.argmax(axis=-1)

    assert drawn.inputs.shape == (20, length + 2 * MEMORISED, SYMBOLS + 2)
    assert np.all(drawn.inputs.sum(axis=-1) == 1)
    assert np.array_equal(tokens[:, :MEMORISED], drawn.targets)
    assert np.all(drawn.targets < SYMBOLS)
    assert np.all(tokens[:, -MEMORISED] == SYMBOLS + 1)  # the sign
    rest = np.delete(tokens[:, MEMORISED:], length, axis=1)
    assert np.all(rest == SYMBOLS)


@given(lengths, numbers)
def test_ones_of_the_even_process_come_in_pairs(length, seed):
    drawn = EVEN.draw(length, 20, generator("test", seed))
    inputs = drawn.inputs.argmax(axis=-1)

    assert np.all(inputs[:, 0] == 0)
    assert np.array_equal(inputs[:, 1:], drawn.targets[:, :-1])
    for row in drawn.targets:
        *complete, _ = "".join(map(str, row)).split("0")
        assert all(len(ones) % 2 == 0 for ones in complete)


def test_the_losses_of_a_constant_answer_are_those_of_samples():
    """The errors allowed are five standard errors of 200,000 samples."""
    rng = generator("test", "constant")
    sums = ADDING.draw(8, 200_000, rng).targets
    assert np.mean((sums - 1) ** 2) == pytest.approx(ADDING.constant_loss(8), abs=0.003)
    assert np.var(sums) == pytest.approx(1 / 6, abs=0.003)

    counts = np.bincount(COPYING.draw(4, 50_000, rng).targets.ravel(), minlength=SYMBOLS)
    np.testing.assert_allclose(counts / counts.sum(), 1 / SYMBOLS, atol=0.005)
    assert COPYING.constant_loss(4) == pytest.approx(np.log(SYMBOLS))

    tokens = EVEN.draw(12, 50_000, rng).targets
    assert cross_entropy(tokens.mean(), tokens) == pytest.approx(EVEN.constant_loss(12), abs=0.003)


def test_who_follows_the_state_pays_the_least_loss():
    drawn = EVEN.draw(12, 50_000, generator("test", "least"))
    in_a, chances = np.ones(len(drawn.targets), bool), []
    for token in drawn.targets.T:
        chances.append(np.where(in_a, 0.5, 1 - 1e-15))
        in_a = ~in_a | (token == 0)
    found = cross_entropy(np.array(chances).T, drawn.targets)

    assert found == pytest.approx(EVEN.least_loss(12), abs=0.003)


def test_the_least_loss_of_the_even_process_tends_to_its_entropy_rate():
    """The rate is 2/3 ln 2: in A with the chance 2/3, where a coin is thrown."""
    rate = 2 / 3 * np.log(2)
    gaps = [abs(EVEN.least_loss(length) - rate) * length for length in (10, 100, 1000)]

    np.testing.assert_allclose(gaps, np.log(2) * (1 / 3) / 1.5, rtol=1e-2)
    assert EVEN.least_loss(1) == pytest.approx(np.log(2))
    assert EVEN.constant_loss(1000) == pytest.approx(np.log(3) - 2 / 3 * np.log(2), abs=1e-3)
