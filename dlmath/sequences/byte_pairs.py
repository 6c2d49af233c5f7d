r"""Byte-pair encoding from scratch: learn merges of frequent pairs, encode, decode.

Source: Sennrich, Haddow and Birch 2016 (arXiv:1508.07909), algorithm 1; on bytes as in Radford et
al., *Language models are unsupervised multitask learners*, 2019. Tsemo, section 7 (line 630).

Tokens are strings of bytes; at first each byte is one. Training repeats: count adjacent tokens
within words, and merge the most frequent pair wherever it occurs. **Of pairs with the same count,
the one with the lower token numbers is merged**: first by the left token, then by the right one.
Encoding a word applies the learnt merges in the order in which they were learnt.

Every text is a string of bytes, so every text can be encoded, and decoding gives it back: tokens
are joined, and merges change only where the joints are.

The numbers of the 256 bytes are those of GPT-2: first those that Latin-1 prints, then the others.
With them, merges and numbers are the same as those of the library `tokenizers`.
"""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from itertools import pairwise

from dlmath.errors import UserError
from dlmath.sequences.pair_counts import PairCounts, merged

Pair = tuple[int, int]

PRINTED = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
BYTES = tuple(bytes([b]) for b in (*PRINTED, *sorted(set(range(256)) - set(PRINTED))))


class BytePairs:
    """Tokens of bytes, and the merges that make them.

    Attributes:
        merges: Pairs of token numbers, in the order in which they were learnt.
        tokens: The bytes that each token stands for, by its number: 256 bytes, then the merges'
            results.
    """

    def __init__(self, merges: Iterable[Pair] = ()):
        self.merges: list[Pair] = []
        self.tokens: list[bytes] = list(BYTES)
        self._numbers = {token: number for number, token in enumerate(BYTES)}
        self._ranks: dict[Pair, int] = {}
        for pair in merges:
            self._learn(pair)

    @property
    def size(self) -> int:
        """Number of tokens."""
        return len(self.tokens)

    def _learn(self, pair: Pair) -> int:
        """Append a merge, and return the number of its result.

        Two merges may spell the same bytes, as a + bc and ab + c do: they share one token.
        """
        token = self.tokens[pair[0]] + self.tokens[pair[1]]
        self._ranks[pair] = len(self.merges)
        self.merges.append(pair)
        if token not in self._numbers:
            self._numbers[token] = len(self.tokens)
            self.tokens.append(token)
        return self._numbers[token]

    @classmethod
    def train(cls, texts: Iterable[str], size: int) -> "BytePairs":
        """Learn merges until there are `size` tokens, or no pair is left.

        Args:
            texts: What to count pairs in.
            size: Number of tokens to reach, at least 256.

        Raises:
            UserError: `size` is less than 256.
        """
        if size < len(BYTES):
            raise UserError(
                f"`size` must be at least {len(BYTES)}, one token a byte. Received: size={size}"
            )
        pairs = cls()
        counts = Counter(word for text in texts for word in split_words(text))
        found = PairCounts(map(pairs._bytes_of, counts), counts.values())
        while pairs.size < size and (best := _most_frequent(found.pairs)) is not None:
            found.merge(best, pairs._learn(best))
        return pairs

    def encode(self, text: str) -> list[int]:
        """Return the numbers of the tokens of a text."""
        return [number for word in split_words(text) for number in self._encode_word(word)]

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text of tokens; bytes that are no UTF-8 become U+FFFD.

        That happens only where a sequence was cut or drawn, not to what `encode` gave.
        """
        return b"".join(self.tokens[number] for number in numbers).decode("utf-8", "replace")

    def _bytes_of(self, word: str) -> list[int]:
        return [self._numbers[bytes([b])] for b in word.encode("utf-8")]

    def _encode_word(self, word: str) -> list[int]:
        symbols = self._bytes_of(word)
        while known := [pair for pair in pairwise(symbols) if pair in self._ranks]:
            first = min(known, key=self._ranks.__getitem__)
            token = self.tokens[first[0]] + self.tokens[first[1]]
            symbols = merged(symbols, first, self._numbers[token])
        return symbols


def _most_frequent(pairs: Counter[Pair]) -> Pair | None:
    """Return the pair to merge, or None where no pair is left."""
    return min(pairs, key=lambda pair: (-pairs[pair], pair), default=None)


def split_words(text: str) -> list[str]:
    """Split a text into words as GPT-2 does: nothing is lost, and no token crosses a joint.

    A word is an English contraction ('s, 'll), a run of letters, of digits or of other signs, each
    with the blank before it, or blanks.
    """
    return _word_pattern().findall(text)


@cache
def _word_pattern() -> re.Pattern[str]:
    # GPT-2 writes \p{L} and \p{N}, which re lacks: \w is both of them and the underscore.
    number = f"[{''.join(map(chr, filter(_is_number, range(sys.maxunicode + 1))))}]"
    letter = rf"(?:(?!{number})[^\W_])"
    other = rf"(?:(?!{number})[^\s\w]|_)"
    return re.compile(rf"'s|'t|'re|'ve|'m|'ll|'d| ?{letter}+| ?{number}+| ?{other}+|\s+(?!\S)|\s+")


def _is_number(code: int) -> bool:
    return unicodedata.category(chr(code)).startswith("N")
