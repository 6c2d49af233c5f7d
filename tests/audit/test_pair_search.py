"""The search for copies, sieve by sieve."""

import numpy as np
import pytest
from PIL import Image

from dlmath.audit.alignment import aligned_correlation
from dlmath.audit.descriptors import (
    WINDOWS,
    Window,
    describe,
    has_structure,
    resampling,
    window_start,
)
from dlmath.audit.image_stats import THUMBNAIL
from dlmath.audit.pair_search import _BLOCK, ALIGNED_LEAST, find_copies


def picture(seed):
    """A smooth random picture, larger than a thumbnail."""
    grid = np.random.default_rng(seed).integers(0, 256, (14, 14), dtype=np.uint8)
    return Image.fromarray(grid).resize((256, 256), Image.Resampling.BICUBIC)


def thumbnail(image, box=None):
    small = image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR, box=box)
    return np.asarray(small)


def thumbnails(*seeds):
    return np.stack([thumbnail(picture(seed)) for seed in seeds])


def crop(seed, left, top, side=0.95):
    edges = (left, top, left + side, top + side)
    return thumbnail(picture(seed), [256 * edge for edge in edges])


@pytest.mark.parametrize("size", [16, 32])
def test_a_descriptor_has_mean_zero_and_length_one(size):
    rows = describe(thumbnails(0, 1, 2), size)

    assert rows.shape == (3, size * size)
    np.testing.assert_allclose(rows.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)


def test_brightness_and_contrast_leave_the_descriptor_as_it_is():
    plain = thumbnails(0, 1)

    np.testing.assert_allclose(describe(plain * 0.5 + 30, 16), describe(plain, 16), atol=1e-5)


def test_a_picture_without_structure_has_a_descriptor_of_zeros_and_is_told():
    flat = np.full((2, THUMBNAIL, THUMBNAIL), 90, np.uint8)

    np.testing.assert_allclose(describe(flat, 16), 0, atol=1e-2)
    assert has_structure(np.concatenate([flat, thumbnails(0)]), 16).tolist() == [False, False, True]


def test_descriptors_of_many_pictures_are_those_of_each():
    many = thumbnails(*range(5))

    each = np.concatenate([describe(many[n : n + 1], 16, WINDOWS[3]) for n in range(5)])

    np.testing.assert_allclose(describe(many, 16, WINDOWS[3]), each, atol=1e-6)


def test_a_window_is_described_as_the_crop_would_be():
    window = Window(0.0125, 0.0375, 0.95)

    described = describe(thumbnails(0), 16, window)[0]

    of_crop = describe(crop(0, 0.0125, 0.0375)[None], 16)[0]
    assert described @ of_crop > 0.99
    assert describe(thumbnails(0), 16)[0] @ of_crop < 0.95


def test_a_mirrored_window():
    plain = thumbnails(0)

    mirrored = describe(plain, 16, Window(0, 0, 1, mirrored=True))

    np.testing.assert_allclose(mirrored, describe(plain[:, :, ::-1], 16), atol=1e-5)


def test_resampling_reads_a_line_where_it_is_told():
    line = np.arange(THUMBNAIL, dtype=float)

    read = resampling(0.5, 10.25) @ line

    np.testing.assert_allclose(read, 0.5 * line + 10.25, atol=1e-4)
    np.testing.assert_allclose(resampling(1.0, -3.0) @ line, np.maximum(line - 3, 0))


@pytest.mark.parametrize("left", [0, 0.02, 0.05])
@pytest.mark.parametrize("top", [0.01, 0.04])
def test_alignment_finds_the_place_of_a_crop(left, top):
    start = np.array([window_start(Window(0.0125, 0.0375, 0.95))])

    (correlation,) = aligned_correlation(thumbnails(0), crop(0, left, top)[None], start)

    assert correlation > 0.98


def test_pictures_that_differ_stay_apart_after_alignment():
    others = thumbnails(*range(1, 30))
    starts = np.array([window_start(WINDOWS[0])] * len(others))

    correlation = aligned_correlation(np.repeat(thumbnails(0), len(others), 0), others, starts)

    assert correlation.max() < 0.6


def test_alignment_of_no_pairs():
    none = np.empty((0, THUMBNAIL, THUMBNAIL), np.uint8)

    assert aligned_correlation(none, none, np.empty((0, 4))).shape == (0,)


def test_pairs_are_found_in_both_orders_across_blocks():
    """The crop before the whole, the whole before the crop, and a mirror image."""
    many = thumbnails(*range(_BLOCK + 40))
    many[5] = crop(_BLOCK + 3, 0.03, 0.01)
    many[_BLOCK + 20] = crop(7, 0.01, 0.04)
    many[_BLOCK + 30] = many[9, :, ::-1]

    pairs = find_copies(many)

    assert list(zip(pairs.first, pairs.second, strict=True)) == [
        (5, _BLOCK + 3),
        (7, _BLOCK + 20),
        (9, _BLOCK + 30),
    ]
    assert pairs.correlation.min() > ALIGNED_LEAST


def test_many_copies_of_one_picture_are_bounded_and_joined():
    many = np.repeat(thumbnails(0), 60, axis=0)

    pairs = find_copies(many)

    assert len(pairs.first) <= 60 * 10
    assert set(pairs.first) | set(pairs.second) == set(range(60))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_few_pictures(number):
    assert len(find_copies(thumbnails(0, 1)[:number]).first) == 0
