from collections import Counter
from math import log

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dlmath.sequences.corpus import documents
from dlmath.sequences.pair_counts import PairCounts, merged
from dlmath.sequences.tokenizers import LibraryTokenizer, library_word_pieces
from dlmath.sequences.word_pieces import UNKNOWN, WordPieces, gain, split_words

TEXTS = [text for name, text in documents().items() if name.startswith("docs/")][:4]
OTHERS = [*[*documents().values()][-20:], "日本語 a→b 'x' naïve — " + "w" * 101]


@pytest.fixture(scope="module")
def librarys() -> LibraryTokenizer:
    return library_word_pieces(TEXTS, 700)


def test_with_the_librarys_pieces_texts_are_encoded_as_by_the_library(librarys):
    numbers = librarys.inner.get_vocab()
    ours = WordPieces(sorted(numbers, key=numbers.__getitem__))
    for text in OTHERS:
        found = ours.encode(text)
        assert found == librarys.encode(text)
        assert ours.decode(found) == librarys.decode(found)


def test_with_our_pieces_the_library_encodes_texts_as_we_do():
    from tokenizers import Tokenizer, models, pre_tokenizers

    ours = WordPieces.train(TEXTS[:2], 300)
    numbers = {piece: number for number, piece in enumerate(ours.pieces)}
    inner = Tokenizer(models.WordPiece(numbers, unk_token=UNKNOWN))
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    assert ours.size == 300
    for text in OTHERS:
        assert ours.encode(text) == LibraryTokenizer(inner).encode(text)


def test_the_library_learns_by_counts_and_we_by_likelihood():
    # N = 132 pieces. ab: k = 8 of 98 a and 14 ##b, less than the 10.4 that chance would give. xy:
    # k = 7 of 7 x and 7 ##y.
    text = " ab" * 8 + " a" * 90 + " db" * 3 + " cb" * 3 + " xy" * 7
    assert WordPieces.train([text], 8).pieces[-1] == "xy"
    numbers = library_word_pieces([text], 20).inner.get_vocab()
    assert numbers["ab"] < numbers["xy"]


def likelihood(words: list[list[str]]) -> float:
    """The largest log-likelihood under independent pieces, from its definition."""
    counts = Counter(piece for word in words for piece in word)
    return sum(n * log(n / counts.total()) for n in counts.values())


@given(st.lists(st.text("abc", min_size=1, max_size=5), min_size=1), st.data())
def test_the_gain_is_the_rise_of_the_likelihood(words, data):
    pieces = [[word[0], *(f"##{c}" for c in word[1:])] for word in words]
    found = PairCounts(pieces, [1] * len(pieces))
    pairs = [pair for pair in sorted(found.pairs) if pair[0] != pair[1]]
    assume(pairs)
    pair = data.draw(st.sampled_from(pairs))
    after = [merged(word, pair, "new") for word in pieces]
    assert gain(found, pair) == pytest.approx(likelihood(after) - likelihood(pieces), abs=1e-9)


@given(st.text(), st.text("abc#", max_size=20))
def test_words_that_can_be_spelt_come_back(text, known):
    pieces = WordPieces.train([text, known], 20)
    assert pieces.decode(pieces.encode(text)).replace("##", "") == (
        " ".join(split_words(text)).replace("##", "")
    ) or UNKNOWN in [pieces.pieces[n] for n in pieces.encode(text)]


def test_the_longest_piece_is_taken_from_the_left():
    pieces = WordPieces([UNKNOWN, "un", "unaff", "##aff", "##able", "##ord", "##ordable"])
    spelt = [pieces.pieces[n] for n in pieces.encode("unaffordable unable unx")]
    assert spelt == ["unaff", "##ordable", "un", "##able", UNKNOWN]


def test_words_are_split_at_punctuation():
    assert split_words("a.b, $c² d→e") == ["a", ".", "b", ",", "$", "c²", "d→e"]
