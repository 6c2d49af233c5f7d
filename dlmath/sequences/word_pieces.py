"""WordPiece from scratch: learn pieces by likelihood, encode by the longest match.

Source: Schuster and Nakajima, *Japanese and Korean voice search*, 2012, section 3; encoding as in
Devlin et al. 2019 (arXiv:1810.04805). Tsemo, section 7 (line 630).

A piece that continues a word begins with `##`. Training merges the pair that raises the likelihood
of the text most under the law in which pieces are independent. Of N pieces, the piece a occurs n_a
times, so the largest log-likelihood is F = sum of f(n_a) - f(N) with f(n) = n log n. Where the pair
ab becomes one piece k times, a != b, it changes by

    f(n_a - k) + f(n_b - k) + f(k) - f(n_a) - f(n_b) - f(N - k) + f(N).

**Of pairs with the same gain, the first in alphabetical order is merged.** Byte-pair encoding ranks
pairs by k only. So does the trainer of the library `tokenizers` (`WordPieceTrainer` is its
byte-pair trainer with `##`): its pieces are other ones than these, while encoding with the same
pieces gives the same. The score k / (n_a n_b), by which WordPiece is often explained, ranks the
main term of the gain for each occurrence, log(k N / (n_a n_b)): it prefers what occurs once.

Encoding takes, from the left, the longest piece that matches. A word that cannot be matched to its
end becomes one `[UNK]`.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from math import log

from dlmath.sequences.pair_counts import PairCounts

Pair = tuple[str, str]

UNKNOWN = "[UNK]"
CONTINUES = "##"
LONGEST_WORD = 100  # characters; a longer one is unknown, as in BERT


class WordPieces:
    """Pieces of words, and the encoding by them.

    Args:
        pieces: Each once; `[UNK]` among them.

    Attributes:
        pieces: By their number.
    """

    def __init__(self, pieces: Iterable[str]):
        self.pieces = list(pieces)
        self._numbers = {piece: number for number, piece in enumerate(self.pieces)}
        self._unknown = self._numbers[UNKNOWN]

    @property
    def size(self) -> int:
        """Number of pieces."""
        return len(self.pieces)

    @classmethod
    def train(cls, texts: Iterable[str], size: int) -> "WordPieces":
        """Learn pieces until there are `size` of them, or every word is one piece.

        The letters of the texts come first, with and without `##`, even where they are more.
        """
        counts = Counter(word for text in texts for word in split_words(text))
        words = [[word[0], *(CONTINUES + c for c in word[1:])] for word in counts]
        found = PairCounts(words, counts.values())
        pieces = dict.fromkeys([UNKNOWN, *sorted(found.symbols)])
        while len(pieces) < size and (pair := most_likely(found)) is not None:
            pieces[joined(pair)] = None
            found.merge(pair, joined(pair))
        return cls(pieces)

    def encode(self, text: str) -> list[int]:
        """Return the numbers of the pieces of a text."""
        return [number for word in split_words(text) for number in self._encode_word(word)]

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the words, with one blank between them."""
        return " ".join(self.pieces[number] for number in numbers).replace(f" {CONTINUES}", "")

    def _encode_word(self, word: str) -> list[int]:
        if len(word) > LONGEST_WORD:
            return [self._unknown]
        numbers, start = [], 0
        while start < len(word):
            prefix = CONTINUES if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if prefix + word[start:end] in self._numbers), None)
            if end is None:
                return [self._unknown]
            numbers.append(self._numbers[prefix + word[start:end]])
            start = end
        return numbers


def split_words(text: str) -> list[str]:
    """Split at white space, which is dropped, and around each punctuation mark, as BERT does."""
    words: list[str] = []
    for part in text.split():
        for is_mark, run in groupby(part, is_punctuation):
            characters = "".join(run)
            words += characters if is_mark else [characters]
    return words


def is_punctuation(character: str) -> bool:
    """Return whether a character is punctuation in Unicode, or a sign of ASCII such as + or $."""
    sign = character.isascii() and character.isprintable() and not character.isalnum()
    return sign or unicodedata.category(character).startswith("P")


def most_likely(found: PairCounts[str]) -> Pair | None:
    """Return the pair to merge, or None where no pair is left."""
    return min(found.pairs, key=lambda pair: (-gain(found, pair), pair), default=None)


def gain(found: PairCounts[str], pair: Pair) -> float:
    """Return by how much merging a pair raises the log-likelihood, in nats.

    Of a piece with itself, as in aaa, all adjacent pairs count, though not all can be merged.
    """
    (a, b), k, total = pair, found.pairs[pair], found.symbols.total()
    of_text = _f(total) - _f(total - k)
    if a == b:
        return _f(found.symbols[a] - 2 * k) + _f(k) - _f(found.symbols[a]) + of_text
    n_a, n_b = found.symbols[a], found.symbols[b]
    return (_f(n_a - k) + _f(n_b - k)) - (_f(n_a) + _f(n_b)) + _f(k) + of_text


def _f(n: int) -> float:
    """Return n log n, 0 where there is nothing."""
    return n * log(n) if n > 0 else 0.0


def joined(pair: Pair) -> str:
    """Return the piece that a pair is merged to."""
    return pair[0] + pair[1].removeprefix(CONTINUES)
