"""The grammar of propositions and their split; terms and their texts."""

import pytest

from dlmath import seeds
from dlmath.errors import UserError
from dlmath.sequences.arithmetic_baselines import MostFrequent, copied, edit_distance
from dlmath.sequences.arithmetic_propositions import FAMILIES, drawn_split, instances
from dlmath.sequences.arithmetic_prover import proven
from dlmath.sequences.arithmetic_terms import (
    LARGEST,
    depth,
    is_true,
    parsed,
    proposition_tokens,
    value,
)


@pytest.fixture(scope="module")
def split():
    return drawn_split(seeds.generator("a split", 0))


def test_a_text_is_a_proposition_and_back() -> None:
    text = "= * 2 + 1 3 S 7"
    proposition = parsed(text)

    assert proposition == (("*", 2, ("+", 1, 3)), ("S", 7))
    assert " ".join(proposition_tokens(proposition)) == text
    assert (value(proposition.left), value(proposition.right)) == (8, 8)
    assert is_true(proposition)


@pytest.mark.parametrize("text", ["", "+ 1 2", "= 1", "= 1 2 3", "= 1 x", "= + 1 2"])
def test_what_is_no_proposition_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="Polish notation"):
        parsed(text)


def test_a_template_has_all_numerals() -> None:
    assert len(instances("* m n")) == 4 * 3
    assert instances("+ a b = * m n")[-1] == parsed("= + 12 3 * 3 2")


def test_seen_propositions_are_shallower_than_the_deeper_ones() -> None:
    depths = {
        family: {depth(one.left) for t in FAMILIES[family] for one in instances(t)}
        for family in ("seen", "deeper")
    }

    assert depths == {"seen": {1, 2}, "deeper": {3}}


def test_no_left_side_is_learnt_and_tested(split) -> None:
    learnt = {one.left for one in split.training}

    assert learnt.isdisjoint(one.left for one in split.test["seen"])
    assert learnt.isdisjoint(one.left for family in ("deeper",) for one in split.test[family])
    for family, pool in split.pools.items():
        assert set(pool).isdisjoint(split.test[family])


def test_half_of_the_propositions_are_true(split) -> None:
    for several in (split.training, *split.test.values()):
        assert sum(map(is_true, several)) == len(several) // 2


def test_all_numerals_of_all_proofs_have_a_word(split) -> None:
    for several in (split.training, *split.test.values(), *split.pools.values()):
        assert all(t in "=:;TFS+*" or int(t) <= LARGEST for one in several for t in proven(one))


def test_baselines_write_what_they_saw() -> None:
    proof = [*"=+101:+101;T"]
    documents = [[*"=00:T"], proof]

    assert edit_distance("kitten", "sitting") == 3
    assert copied([*"=+102:"], documents) == [*"=+102:+101;T"]
    assert MostFrequent(documents).write([*"=00:"], 12) == documents[0]
    assert MostFrequent(documents, 6).write([*"=5+101:"], 20) == [*"=5+101:+101;T"]
    assert len(MostFrequent(documents).write([*"=55"], 4)) == 4
