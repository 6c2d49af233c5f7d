r"""N-gram models of tokens with interpolated Kneser-Ney smoothing.

Source: Kneser and Ney, *Improved backing-off for m-gram language modeling*, 1995; the interpolated,
modified form of Chen and Goodman, *An empirical study of smoothing techniques for language
modeling*, 1999, equations 26 to 30.

With h the tokens before w, and h' those without the first, for each order

    p(w | h) = (c(h w) - D(c(h w))) / c(h) + b(h) p(w | h'),
    b(h) = sum over w of D(c(h w)) / c(h),      c(h) = sum over w of c(h w),

and p(w | h) = p(w | h') where h was never seen. What is taken from the counts is what the shorter
context gets, so the probabilities sum to one. The shortest context hands on to 1 / V, so that
tokens that never occurred have a probability as well.

c is the number of occurrences for the longest context. For all shorter ones it is the number of
different tokens that were seen before h w: a token that follows many others is likely in a new
place, one that only ever follows the same is not.

The discounts come from the numbers t_i of n-grams of that order with c = i (t_1 + 2 t_2 = 0: none):

    Y = t_1 / (t_1 + 2 t_2),      D(i) = i - (i + 1) Y t_(i+1) / t_i  for i = 1, 2 and 3 or more,

the estimates by which leaving one occurrence out is most likely. Where t_i = 0, D(i) = Y; all are
kept in 0..i. The plain form has D = Y everywhere.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

START = -1  # what stands before the first token of a document

Context = tuple[int, ...]


class KneserNey:
    """A model of the next token, from counts.

    Args:
        documents: Tokens 0..V-1 of each document.
        size: Number V of tokens.
        order: Length of the longest n-grams, at least 1: `order` - 1 tokens of context.
        modified: Whether there are three discounts, or one.

    Attributes:
        discounts: For each length of context, from 0: those of counts 0, 1, 2 and 3 or more.
    """

    def __init__(
        self,
        documents: Iterable[Sequence[int]],
        size: int,
        order: int = 5,
        modified: bool = True,
    ):
        self.size = size
        self.order = order
        grams = Counter(gram for document in documents for gram in _grams(document, order))
        self._counts = [_by_context(one) for one in _kneser_ney_counts(grams, order)]
        self.discounts = [
            discounts(Counter(n for row in rows.values() for n in row.values()), modified)
            for rows in self._counts
        ]

    def probabilities(self, context: Sequence[int]) -> np.ndarray:
        """Return the probability of each token after a context, (V,)."""
        p = np.full(self.size, 1 / self.size)
        for row, discount in self._rows(context):
            tokens, counts = np.array(list(row)), np.array(list(row.values()))
            taken = discount[np.minimum(counts, 3)]
            p *= taken.sum() / counts.sum()
            p[tokens] += (counts - taken) / counts.sum()
        return p

    def probability(self, token: int, context: Sequence[int]) -> float:
        """Return the probability of a token after a context."""
        p = 1 / self.size
        for row, discount in self._rows(context):
            total, count = row.total(), row[token]
            taken = sum(discount[min(n, 3)] for n in row.values())
            p = (count - discount[min(count, 3)] + taken * p) / total
        return float(p)

    def losses(self, document: Sequence[int]) -> np.ndarray:
        """Return -log p of each token of a document after those before it, in nats, (T,)."""
        padded = [START] * (self.order - 1) + list(document)
        return -np.log(
            [
                self.probability(token, padded[place : place + self.order - 1])
                for place, token in enumerate(document)
            ]
        )

    def _rows(self, context: Sequence[int]) -> Iterable[tuple[Counter[int], np.ndarray]]:
        """Yield counts and discounts of a context's ends, from the shortest, as far as seen."""
        for length in range(min(len(context), self.order - 1) + 1):
            row = self._counts[length].get(tuple(context[len(context) - length :]))
            if row is None:
                return
            yield row, self.discounts[length]


def perplexity(losses: np.ndarray) -> float:
    """Return exp of the mean loss in nats: among how many tokens a fair choice is as uncertain."""
    return float(np.exp(np.mean(losses)))


def discounts(sizes: Counter[int], modified: bool = True) -> np.ndarray:
    """Return what is taken from counts 0, 1, 2 and 3 or more, (4,).

    Args:
        sizes: How many n-grams have each count.
        modified: Whether there are three discounts, or one.
    """
    if not sizes[1]:
        return np.zeros(4)
    y = sizes[1] / (sizes[1] + 2 * sizes[2])
    found = [0.0]
    for i in (1, 2, 3):
        here = sizes[i] if modified else 0
        d = i - (i + 1) * y * sizes[i + 1] / here if here else y
        found.append(min(max(d, 0.0), float(i)))
    return np.array(found)


def _grams(document: Sequence[int], order: int) -> Iterable[Context]:
    padded = [START] * (order - 1) + list(document)
    return (tuple(padded[place : place + order]) for place in range(len(document)))


def _kneser_ney_counts(grams: Counter[Context], order: int) -> list[Counter[Context]]:
    """Return the counts c of the n-grams of each length from 1."""
    found = [grams]
    for _ in range(order - 1):
        found.append(Counter(gram[1:] for gram in found[-1]))
    return found[::-1]


def _by_context(grams: Counter[Context]) -> dict[Context, Counter[int]]:
    """Return for each context the counts of the tokens after it."""
    found: defaultdict[Context, Counter[int]] = defaultdict(Counter)
    for gram, count in grams.items():
        found[gram[:-1]][gram[-1]] = count
    return dict(found)
