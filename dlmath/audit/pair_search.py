"""Pair search: find the pictures that are edited copies of one another.

Three sieves follow each other, each finer and more costly. The thresholds were chosen on the chest
X-rays and blood cells of `benchmarks/trials/planted_faults.py`, between what edited copies of a
picture reach and what different pictures do, which is written next to each.
"""

from typing import NamedTuple

import numpy as np

from dlmath.audit.alignment import aligned_correlation
from dlmath.audit.descriptors import WINDOWS, describe, window_start
from dlmath.reporting import Progress

COARSE, FINE = 16, 32  # sides of the descriptors, in pixels
COARSE_LEAST = 0.9  # copies: above 0.92; of other pairs one in a thousand is above 0.9
FINE_LEAST = 0.8  # copies: 99 of 100 are above 0.8; others: of those left so far one in ten
ALIGNED_LEAST = 0.86  # copies: above 0.89; other pictures: below 0.84

_BLOCK = 512  # pictures compared with all others at a time
_MOST_COARSE, _MOST = 200, 10  # candidates of one picture that get through a sieve
_CHUNK = 16_384  # pairs


class Pairs(NamedTuple):
    """Pairs of pictures by their numbers, first below second.

    Attributes:
        first: int (P,).
        second: int (P,).
        correlation: (P,), after alignment.
    """

    first: np.ndarray
    second: np.ndarray
    correlation: np.ndarray


def find_copies(thumbnails: np.ndarray, progress: Progress | None = None) -> Pairs:
    """Find the pairs of pictures that are copies: edited, resized, mirrored, or cropped by 5 %.

    Args:
        thumbnails: uint8 (N, THUMBNAIL, THUMBNAIL), of pictures with some structure.
        progress: Called with (done, total) while it goes on.
    """
    wholes = {size: describe(thumbnails, size) for size in (COARSE, FINE)}
    found = [_NONE]
    for start in range(0, len(thumbnails), _BLOCK):
        queries = np.arange(start, min(start + _BLOCK, len(thumbnails)))
        found.append(_aligned(thumbnails, _candidates(thumbnails, queries, wholes)))
        if progress:
            progress(int(queries[-1]) + 1, len(thumbnails))
    return _both_ways_once(np.concatenate(found))


# A candidate: that a window of the picture `query` is the picture `other`.
_CANDIDATE = np.dtype([("query", "i8"), ("other", "i8"), ("window", "i8"), ("correlation", "f4")])
_NONE = np.empty(0, _CANDIDATE)


def _candidates(
    thumbnails: np.ndarray, queries: np.ndarray, wholes: dict[int, np.ndarray]
) -> np.ndarray:
    """Return the pairs that pass both sieves of descriptors, each with its best window."""
    passed = []
    for number, window in enumerate(WINDOWS):
        coarse, fine = (describe(thumbnails[queries], size, window) for size in (COARSE, FINE))
        rows, others = _most_alike(coarse @ wholes[COARSE].T, queries)
        correlation = _of_pairs(fine, wholes[FINE], rows, others)
        keep = correlation > FINE_LEAST
        candidates = np.empty(keep.sum(), _CANDIDATE)
        candidates["query"], candidates["other"] = queries[rows[keep]], others[keep]
        candidates["window"], candidates["correlation"] = number, correlation[keep]
        passed.append(candidates)
    best = _best_of_each(np.concatenate(passed), "query", "other", most=1)
    return _best_of_each(best, "query", most=_MOST)


def _most_alike(correlation: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of what passes the coarse sieve; (Q, N), changed in place."""
    correlation[np.arange(len(queries)), queries] = -1  # itself
    rows, others = _places(correlation > COARSE_LEAST)
    crowded = np.flatnonzero(np.bincount(rows, minlength=len(queries)) > _MOST_COARSE)
    if not len(crowded):
        return rows, others
    for row in crowded:
        rest = np.argpartition(correlation[row], -_MOST_COARSE)[:-_MOST_COARSE]
        correlation[row, rest] = -1
    return _places(correlation > COARSE_LEAST)


def _places(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of what is true, faster than `np.nonzero` where little is."""
    flat = np.flatnonzero(mask)
    return flat // mask.shape[1], flat % mask.shape[1]


def _of_pairs(
    first: np.ndarray, second: np.ndarray, rows: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """Return the products of row `rows[p]` of `first` with row `others[p]` of `second`, (P,)."""
    chunks = [slice(at, at + _CHUNK) for at in range(0, len(rows), _CHUNK)]
    products = [
        np.einsum("pd,pd->p", first[rows[chunk]], second[others[chunk]]) for chunk in chunks
    ]
    return np.concatenate([np.empty(0, np.float32), *products])


def _best_of_each(candidates: np.ndarray, *names: str, most: int) -> np.ndarray:
    """Return the `most` best correlated of the candidates that agree in the fields `names`."""
    order = np.lexsort([-candidates["correlation"], *(candidates[name] for name in names)])
    candidates = candidates[order]
    differ = [candidates[name][1:] != candidates[name][:-1] for name in names]
    starts = np.flatnonzero(np.concatenate([[True], np.any(differ, axis=0)]))
    sizes = np.diff(np.append(starts, len(candidates)))
    rank = np.arange(len(candidates)) - np.repeat(starts, sizes)[: len(candidates)]
    return candidates[rank < most]


def _aligned(thumbnails: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Return the candidates that are copies, with the correlation after alignment."""
    moved = thumbnails[candidates["query"]]
    mirrored = np.array([window.mirrored for window in WINDOWS])[candidates["window"]]
    moved[mirrored] = moved[mirrored, :, ::-1]
    starts = np.array([window_start(window) for window in WINDOWS])[candidates["window"]]
    fixed = thumbnails[candidates["other"]]
    candidates["correlation"] = aligned_correlation(moved, fixed, starts)
    return candidates[candidates["correlation"] > ALIGNED_LEAST]


def _both_ways_once(copies: np.ndarray) -> Pairs:
    copies = copies.copy()
    pair = np.sort(np.stack([copies["query"], copies["other"]]), axis=0)
    copies["query"], copies["other"] = pair
    copies = _best_of_each(copies, "query", "other", most=1)
    order = np.lexsort([copies["other"], copies["query"]])
    return Pairs(*(copies[name][order] for name in ("query", "other", "correlation")))
