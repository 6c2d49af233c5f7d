"""Two ways to write proofs that a model must beat: copying the nearest one, and a 5-gram."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from dlmath.sequences.arithmetic_checker import WHERE

Document = Sequence[str]


def edit_distance(one: Document, other: Document) -> int:
    """Return the fewest tokens to insert, delete or replace that lead from one to the other."""
    row = list(range(len(other) + 1))
    for number, token in enumerate(one, 1):
        before, row[0] = row[0], number
        for place, wanted in enumerate(other, 1):
            cheapest = min(row[place] + 1, row[place - 1] + 1, before + (token != wanted))
            before, row[place] = row[place], cheapest
    return row[-1]


def copied(prompt: Document, documents: Sequence[Document]) -> list[str]:
    """Return a prompt with the proof of the proposition that is nearest to it.

    Args:
        prompt: A proposition and `:`.
        documents: Propositions with their proofs; of several that are as near, the first.
    """
    nearest = min(documents, key=lambda one: edit_distance(prompt, one[: one.index(WHERE) + 1]))
    return [*prompt, *nearest[nearest.index(WHERE) + 1 :]]


class MostFrequent:
    """The most frequent token after the longest context, up to n - 1 tokens, that was seen.

    Args:
        documents: To count in.
        order: n, at least 1.
    """

    def __init__(self, documents: Sequence[Document], order: int = 5):
        self.order = order
        self.followers: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for document in documents:
            for place, token in enumerate(document):
                for length in range(min(order - 1, place) + 1):
                    self.followers[tuple(document[place - length : place])][token] += 1

    def write(self, prompt: Document, longest: int) -> list[str]:
        """Return a prompt with what follows, up to `T` or `F` or to `longest` tokens in all."""
        text = list(prompt)
        while len(text) < longest and text[-1] not in ("T", "F"):
            starts = range(max(len(text) - self.order + 1, 0), len(text) + 1)
            context = next(c for c in (tuple(text[s:]) for s in starts) if c in self.followers)
            text.append(self.followers[context].most_common(1)[0][0])
        return text
