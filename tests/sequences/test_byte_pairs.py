import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dlmath.errors import UserError
from dlmath.sequences.byte_pairs import BYTES, BytePairs, split_words
from dlmath.sequences.corpus import documents
from dlmath.sequences.tokenizers import library_byte_pairs

TEXTS = [text for name, text in documents().items() if name.startswith("docs/")][:6]
SIZE = 600
MANY_SCRIPTS = (
    "Straße, cœur, žluťoučký kůň; 数学は楽しい。 Ελληνικά и русский, עברית, हिन्दी "
    "\N{SLIGHTLY SMILING FACE}\r\n\t x² ½ Ⅷ ٣ __a__"
)


@pytest.fixture(scope="module")
def ours() -> BytePairs:
    return BytePairs.train(TEXTS, SIZE)


@pytest.fixture(scope="module")
def librarys():
    return library_byte_pairs(TEXTS, SIZE)


def test_merges_and_numbers_are_those_of_the_library(ours, librarys):
    model = json.loads(librarys.inner.to_str())["model"]
    numbers = model["vocab"]
    assert ours.merges == [(numbers[left], numbers[right]) for left, right in model["merges"]]
    assert ours.size == librarys.size == SIZE


@pytest.mark.parametrize("text", [*[*documents().values()][-20:], MANY_SCRIPTS])
def test_texts_that_were_not_learnt_from_are_encoded_as_by_the_library(text, ours, librarys):
    assert ours.encode(text) == librarys.encode(text)


def test_the_merges_of_a_text_by_hand():
    # Words: 5 of " low" and 2 of " newer". The pairs " l", lo and ow occur 5 times; l has the
    # number 75, o 78, the blank 220. Then " lo" comes before low, whose left token is 256.
    pairs = BytePairs.train([" low" * 5 + " newer" * 2], len(BYTES) + 4)
    assert [pairs.tokens[256 + n] for n in range(4)] == [b"lo", b" lo", b" low", b"er"]
    assert pairs.decode(pairs.encode(" lower")) == " lower"
    assert [pairs.tokens[n] for n in pairs.encode(" lower")] == [b" low", b"er"]


def test_of_pairs_with_the_same_count_the_lower_numbers_come_first():
    assert BytePairs.train(["dc ba"], 257).tokens[256] == b"ba"


def test_overlapping_pairs_are_merged_from_the_left():
    pairs = BytePairs.train(["aaa"], 257)
    assert [pairs.tokens[n] for n in pairs.encode("aaa")] == [b"aa", b"a"]


def test_training_ends_where_no_pair_is_left():
    assert BytePairs.train(["ab"], 1_000).size == 257


@given(st.text())
@example(MANY_SCRIPTS)
@example("'S and 's, I'll  \n\n two blanks ")
def test_every_text_comes_back(text):
    pairs = BytePairs.train([text, "the cat and the hat"], 262)
    numbers = pairs.encode(text)
    assert pairs.decode(numbers) == text
    assert len(numbers) <= len(text.encode())
    assert "".join(split_words(text)) == text


@given(st.text(max_size=30), st.text(max_size=30))
def test_the_joint_of_two_words_changes_no_token(first, second):
    pairs = BytePairs(BytePairs.train(TEXTS[:1], 300).merges)
    joined = pairs.encode(f"{first}\n") + pairs.encode(f" a{second}")
    assert pairs.decode(joined) == f"{first}\n a{second}"


def test_the_merges_are_all_that_is_kept(ours):
    assert BytePairs(ours.merges).tokens == ours.tokens


def test_bytes_that_are_no_text_are_marked():
    pairs = BytePairs()
    assert pairs.decode(pairs.encode("é")[:1]) == "\N{REPLACEMENT CHARACTER}"


def test_too_few_tokens_are_refused():
    with pytest.raises(UserError, match=r"at least 256.*Received: size=255"):
        BytePairs.train(["a"], 255)
