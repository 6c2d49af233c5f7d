"""The checker accepts all proofs that are written, none that says what is false."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dlmath.sequences.arithmetic_checker import accepts
from dlmath.sequences.arithmetic_prover import proven
from dlmath.sequences.arithmetic_terms import Proposition, is_true, parsed, value

TOKENS = ("=", ":", ";", "T", "F", "S", "+", "*", *map(str, range(13)))
TERMS = st.recursive(
    st.integers(0, 3),
    lambda terms: st.one_of(
        st.tuples(st.just("S"), terms), st.tuples(st.sampled_from("+*"), terms, terms)
    ),
    max_leaves=4,
).filter(lambda term: value(term) <= 12)
PROPOSITIONS = st.builds(Proposition, TERMS, TERMS)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("= + 2 1 3 : + 2 0 2 ; + 2 1 3 ; T", True),
        ("= * 2 1 2 : * 2 0 0 ; + 0 0 0 ; + 0 1 1 ; + 0 2 2 ; * 2 1 2 ; T", True),
        ("= S S 1 2 : S 1 2 ; S S 1 3 ; F", True),
        ("= 1 + 0 0 : + 0 0 0 ; F", True),
        ("= 3 3 : T", True),
        ("= + 2 1 3 : + 2 1 3 ; T", False),  # + 2 0 is missing
        ("= * 2 1 2 : * 2 0 0 ; * 2 1 2 ; T", False),  # + 0 2 is missing
        ("= + S 0 0 1 : + S 0 0 1 ; T", False),  # S 0 is missing
        ("= + S 0 0 1 : S 0 1 ; + S 0 0 1 ; T", False),  # + 1 0 is missing
        ("= + 2 0 3 : + 2 0 2 ; T", False),
        ("= + 2 0 2 : + 2 0 2 ; F", False),
        ("= + 2 0 2 : + 2 0 02 ; T", False),
        ("= + 2 0 2 : + 2 0 2 T", False),
        ("= + 2 0 2 : + 2 0 2 ;", False),
        ("= + 2 0 : + 2 0 2 ; T", False),
        ("= 3 3 3 : T", False),
        (": T", False),
        ("= : T", False),
    ],
)
def test_what_is_a_proof(text: str, valid: bool) -> None:
    assert accepts(text.split()) is valid


def test_no_tokens_are_no_proof() -> None:
    assert not accepts([])


@given(PROPOSITIONS)
@example(Proposition(("*", ("+", 1, 1), ("S", 2)), ("+", 3, 3)))
def test_every_written_proof_is_accepted(proposition: Proposition) -> None:
    proof = proven(proposition)

    assert accepts(proof)
    assert (proof[-1] == "T") is is_true(proposition)


def mutations(tokens: list[str], begins: int, ends: int) -> list[list[str]]:
    """Return all texts in which one token from `begins` to `ends` is another one, or is missing."""
    return [
        [*tokens[:place], *other, *tokens[place + 1 :]]
        for place in range(begins, ends)
        for other in [[], *([token] for token in TOKENS if token != tokens[place])]
    ]


@given(PROPOSITIONS)
def test_no_other_token_in_a_proof_is_accepted(proposition: Proposition) -> None:
    # Each line is needed, and no term has two: what a line says cannot be replaced.
    proof = proven(proposition)

    assert not any(accepts(one) for one in mutations(proof, proof.index(":"), len(proof)))


@given(PROPOSITIONS)
def test_a_proof_of_another_proposition_is_accepted_only_if_it_is_one(
    proposition: Proposition,
) -> None:
    proof = proven(proposition)
    accepted = [one for one in mutations(proof, 0, proof.index(":")) if accepts(one)]

    for one in accepted:
        other = parsed(" ".join(one[: one.index(":")]))
        assert is_true(other) == is_true(proposition) == (one[-1] == "T")


def test_a_refutation_refutes_other_numerals_as_well() -> None:
    proof = proven(parsed("= + 2 1 4"))
    accepted = [one for one in mutations(proof, 0, proof.index(":")) if accepts(one)]

    # Also + 2 0, which a line of the proof says to be 2.
    assert [" ".join(one[:5]) for one in accepted] == [
        "= + 2 0 4",
        *(f"= + 2 1 {numeral}" for numeral in range(13) if numeral not in (3, 4)),
    ]


@given(st.lists(st.sampled_from(TOKENS), max_size=12), PROPOSITIONS)
def test_whatever_is_accepted_is_true(noise: list[str], proposition: Proposition) -> None:
    for tokens in ([*noise, "T"], ["=", *noise, "F"], [*proven(proposition)[:-1], *noise, "T"]):
        if accepts(tokens):
            claimed = parsed(" ".join(tokens[: tokens.index(":")]))
            assert is_true(claimed) == (tokens[-1] == "T")
