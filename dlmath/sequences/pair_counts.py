"""Counts of adjacent symbols within words, kept up while pairs are merged.

Byte-pair encoding and WordPiece learn in the same way: count, choose a pair, merge it. They differ
in what they choose.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Generic, TypeVar

Symbol = TypeVar("Symbol", int, str)


class PairCounts(Generic[Symbol]):
    """Words as lists of symbols, with how often symbols and adjacent pairs occur.

    A merge changes only the words that hold the pair: those are counted again, and no others.

    Args:
        words: The symbols of each distinct word.
        counts: How often each word occurs.

    Attributes:
        symbols: Count of each symbol.
        pairs: Count of each adjacent pair; overlapping ones count each, as twice in aaa.
    """

    def __init__(self, words: Iterable[Sequence[Symbol]], counts: Iterable[int]):
        self.symbols: Counter[Symbol] = Counter()
        self.pairs: Counter[tuple[Symbol, Symbol]] = Counter()
        self._words: list[list[Symbol]] = [list(word) for word in words]
        self._counts = list(counts)
        self._holders: defaultdict[tuple[Symbol, Symbol], set[int]] = defaultdict(set)
        for place in range(len(self._words)):
            self._add(place, self._counts[place])

    def _add(self, place: int, count: int) -> None:
        word = self._words[place]
        for symbol in word:
            self.symbols[symbol] += count
        for pair in pairwise(word):
            self.pairs[pair] += count
            self._holders[pair].add(place)
            if not self.pairs[pair]:
                del self.pairs[pair]

    def merge(self, pair: tuple[Symbol, Symbol], symbol: Symbol) -> None:
        """Write `symbol` for every occurrence of `pair`."""
        for place in self._holders.pop(pair):
            self._add(place, -self._counts[place])
            self._words[place] = merged(self._words[place], pair, symbol)
            self._add(place, self._counts[place])


def merged(word: Sequence[Symbol], pair: tuple[Symbol, Symbol], symbol: Symbol) -> list[Symbol]:
    """Return a word with `symbol` for each occurrence of `pair`, found from left to right."""
    out: list[Symbol] = []
    place = 0
    while place < len(word):
        found = tuple(word[place : place + 2]) == pair
        out.append(symbol if found else word[place])
        place += 2 if found else 1
    return out
