"""Alignment: lay one picture over another as well as possible, and correlate their details.

The method is that of Lucas and Kanade: the difference that a small shift or stretch makes is
linear in it, with the picture's slopes as coefficients, so that each step solves five equations,
for a change of contrast, two shifts and two stretches.

Source: Lucas, Kanade, "An Iterative Image Registration Technique with an Application to Stereo
Vision", IJCAI 1981, section 4.
"""

import numpy as np

from dlmath.audit.descriptors import high_pass, resampling
from dlmath.audit.image_stats import THUMBNAIL

STEPS = 4
_BLOCK = 128  # pairs at a time: their matrices fit the processor's cache
# Correlation from which a pair is taken further: after a step 999 of 1,000 edited copies are above
# it, and one in 20 of the other pairs that come here.
_HOPEFUL = 0.75
_LARGEST_STEP = 1.5  # pixels; beyond it the slopes say nothing
_RIDGE = 1e-3  # of the mean diagonal: a picture may have slopes in one direction only

# Where a pixel lies along a side, from -1 to 1: what a stretch multiplies.
_HALF = THUMBNAIL / 2
_PLACES = ((np.arange(THUMBNAIL) + 0.5) / _HALF - 1).astype(np.float32)


def aligned_correlation(moved: np.ndarray, fixed: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Align each of `moved` with its partner in `fixed`, and correlate what a high-pass leaves.

    Args:
        moved: uint8 (P, THUMBNAIL, THUMBNAIL), pictures of which the partner may be a crop.
        fixed: uint8, of the same shape.
        starts: (P, 4): scale and offset of the rows, then of the columns, to begin with.

    Returns:
        float32 (P,), the best correlation of all steps, at most 1. Pairs that are clearly no copies
        are given up early.
    """
    blocks = [slice(at, at + _BLOCK) for at in range(0, len(moved), _BLOCK)]
    best = [_align(moved[block], fixed[block], starts[block]) for block in blocks]
    return np.concatenate([np.empty(0, np.float32), *best])


def _align(moved: np.ndarray, fixed: np.ndarray, places: np.ndarray) -> np.ndarray:
    moved, places = moved.astype(np.float32), places.astype(np.float32)
    target = _centred(high_pass(fixed.astype(np.float32)))
    laid_over = _details(moved, places)
    best = _correlation(laid_over, target)
    going_on = np.arange(len(moved))
    for _ in range(STEPS):
        places = _improved(places, laid_over, target)
        laid_over = _details(moved, places)
        best[going_on] = np.maximum(best[going_on], _correlation(laid_over, target))
        hopeful = best[going_on] > _HOPEFUL
        moved, target, places = moved[hopeful], target[hopeful], places[hopeful]
        going_on, laid_over = going_on[hopeful], laid_over[hopeful]
    return best


def _details(moved: np.ndarray, places: np.ndarray) -> np.ndarray:
    rows = resampling(places[:, 0], places[:, 1]).astype(np.float32)
    columns = resampling(places[:, 2], places[:, 3]).astype(np.float32)
    return _centred(high_pass(rows @ moved @ columns.swapaxes(1, 2)))


def _improved(places: np.ndarray, laid_over: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the places after one step of Gauss and Newton."""
    down, right = np.gradient(laid_over, axis=(1, 2))
    effects = [laid_over, down, down * _PLACES[:, None], right, right * _PLACES]
    design = np.stack(effects, axis=1).reshape(len(places), len(effects), THUMBNAIL**2)
    normal = design @ design.swapaxes(1, 2)
    ridge = _RIDGE * np.trace(normal, axis1=1, axis2=2) / len(effects) + 1e-6
    normal += ridge[:, None, None] * np.eye(len(effects), dtype=np.float32)
    solved = np.linalg.solve(normal, design @ target.reshape(len(places), THUMBNAIL**2, 1))[..., 0]
    contrast = np.maximum(solved[:, :1], 0.2)  # unlike pictures would divide by about 0
    step = (solved[:, 1:] / contrast).clip(-_LARGEST_STEP, _LARGEST_STEP)
    return np.concatenate(
        [_composed(places[:, :2], step[:, :2]), _composed(places[:, 2:], step[:, 2:])], axis=1
    )


def _composed(place: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Read at p + shift + stretch * (the place of p) what was read at p."""
    scale, offset = place.T
    shift, stretch = step.T
    stretch = stretch / _HALF  # pixels at the edge, to pixels a pixel
    inner = shift - stretch * (_HALF - 0.5)
    return np.stack([scale * (1 + stretch), scale * inner + offset], axis=1)


def _centred(pictures: np.ndarray) -> np.ndarray:
    return pictures - pictures.mean((1, 2), keepdims=True)


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    product = np.einsum("phw,phw->p", first, second)
    lengths = np.linalg.norm(first, axis=(1, 2)) * np.linalg.norm(second, axis=(1, 2))
    return product / np.maximum(lengths, np.finfo(np.float32).tiny)
