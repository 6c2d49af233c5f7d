from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.sequences.ngrams import START, KneserNey, discounts, perplexity

A, B, C = 0, 1, 2
DOCUMENTS = st.lists(st.lists(st.integers(0, 5), max_size=20), max_size=4)


def test_two_words_by_hand():
    # Of a b a b a c, plain, order 2. Occurrences: start a 1, ab 2, ba 2, ac 1; t_1 = t_2 = 2, so
    # Y = 2 / 6. Different predecessors: a 2 (start, b), b 1, c 1; t_1 = 2, t_2 = 1: Y = 2 / 4.
    model = KneserNey([[A, B, A, B, A, C]], 4, order=2, modified=False)
    assert model.discounts[1] == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    assert model.discounts[0] == pytest.approx([0, 1 / 2, 1 / 2, 1 / 2])
    # One token: (2 - 1/2) / 4 for a, (1 - 1/2) / 4 for b and c, and 3/8 shared by four.
    one = np.array([3 / 8, 1 / 8, 1 / 8, 0]) + 3 / 32
    assert model.probabilities([]) == pytest.approx(one)
    # After a: (2 - 1/3) / 3 for b, (1 - 1/3) / 3 for c, and 2/9 goes to one token.
    after_a = np.array([0, 5 / 9, 2 / 9, 0]) + 2 / 9 * one
    assert model.probabilities([A]) == pytest.approx(after_a)
    assert model.probabilities([C]) == pytest.approx(one)  # nothing was seen after c
    assert model.losses([A, C]) == pytest.approx(
        -np.log([2 / 3 + 1 / 3 * one[A], after_a[C]]), rel=1e-12
    )


def test_the_three_discounts_by_hand():
    # t_1 = 10, t_2 = 5, t_3 = 2, t_4 = 1: Y = 1/2, D = 1 - 2 Y 5/10, 2 - 3 Y 2/5, 3 - 4 Y 1/2.
    sizes = Counter({1: 10, 2: 5, 3: 2, 4: 1, 9: 1})
    assert discounts(sizes) == pytest.approx([0, 0.5, 1.4, 2.0])
    assert discounts(sizes, modified=False) == pytest.approx([0, 0.5, 0.5, 0.5])
    assert discounts(Counter({2: 3})) == pytest.approx([0, 0, 0, 0])


@given(DOCUMENTS, st.lists(st.integers(0, 5), max_size=6), st.integers(1, 5), st.booleans())
def test_probabilities_sum_to_one(documents, context, order, modified):
    model = KneserNey(documents, 6, order, modified)
    for seen in (context, [START, *context]):
        p = model.probabilities(seen)
        assert p.sum() == pytest.approx(1, abs=1e-12)
        assert p.min() >= 0
        assert [model.probability(token, seen) for token in range(6)] == pytest.approx(p)


def test_a_token_of_one_phrase_is_unlikely_in_another_place():
    # "1 2" occurs ten times, 3 after five different tokens.
    documents = [[1, 2]] * 10 + [[token, 3] for token in (4, 5, 6, 7, 8)]
    model = KneserNey(documents, 10, order=2)
    assert model.probability(3, [9]) > 2 * model.probability(2, [9])


@given(DOCUMENTS)
def test_documents_do_not_run_into_each_other(documents):
    model = KneserNey(documents, 6, order=3)
    assert KneserNey(documents[::-1], 6, order=3).probabilities([START, START]) == pytest.approx(
        model.probabilities([START, START])
    )
    assert all(
        model.losses(one)
        == pytest.approx(
            [
                -np.log(model.probability(token, [START, START, *one][n : n + 2]))
                for n, token in enumerate(one)
            ]
        )
        for one in documents
    )


def test_the_perplexity_of_a_fair_choice_is_their_number():
    losses = KneserNey([], 8).losses([3, 1, 4])
    assert perplexity(losses) == pytest.approx(8)
