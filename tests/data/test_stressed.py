import hashlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from dlmath.data import degradation, stressed
from dlmath.data.sources import ImageRecord
from dlmath.data.stressed import (
    CORRUPTIONS,
    Corruption,
    border_masked,
    composites,
    region_masked,
    stressed_rows,
)
from dlmath.recipe import Recipe

RECIPE = Recipe(name="x", choose_on="stressed", region_width=0.5, region_height=0.5)
LABELS = np.array([0, 0, 0, 1, 1])
# The middle and the border of each image have greys of their own.
IMAGES = np.zeros((5, 40, 40, 3), np.uint8)
for number, image in enumerate(IMAGES):
    image[:] = 10 + number
    image[8:32, 8:32] = 100 + number


def test_each_composite_has_its_own_region_in_the_border_of_another_class():
    made, rows = composites(IMAGES, LABELS, RECIPE)

    assert made.dtype == np.uint8
    np.testing.assert_array_equal(rows, np.arange(5))
    for row, image in zip(rows, made, strict=True):
        assert image[20, 20, 0] == 100 + row
        border = int(image[0, 0, 0]) - 10
        assert LABELS[border] != LABELS[row]


def test_the_seed_decides_the_borders_and_never_the_regions():
    first, again = (composites(IMAGES, LABELS, RECIPE)[0] for _ in range(2))
    others = [composites(IMAGES, LABELS, RECIPE.replace(seed=seed))[0] for seed in range(1, 6)]

    np.testing.assert_array_equal(first, again)
    assert any(np.any(first != other) for other in others)
    for other in others:
        np.testing.assert_array_equal(first[:, 20, 20], other[:, 20, 20])


def test_of_many_images_some_are_drawn(monkeypatch):
    monkeypatch.setattr(stressed, "MOST_IMAGES", 3)

    made, rows = composites(IMAGES, LABELS, RECIPE)

    assert len(made) == len(set(rows.tolist())) == 3
    assert [image[20, 20, 0] - 100 for image in made] == rows.tolist()


def test_of_very_many_images_every_class_keeps_one(monkeypatch):
    monkeypatch.setattr(stressed, "MOST_IMAGES", 10)
    labels = np.array([0] * 500 + [1] * 500 + [2])

    for seed in range(5):
        rows = stressed_rows(labels, RECIPE.replace(seed=seed))
        assert len(rows) == len(set(rows.tolist())) == 10
        assert set(labels[rows]) == {0, 1, 2}
        np.testing.assert_array_equal(rows, np.sort(rows))


def test_each_image_gets_the_corruption_that_its_key_draws():
    noise = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    one = tf.ones(4)

    found = Corruption(seed=0).apply(noise, [bytes([number + 8]) for number in range(4)])

    images = noise.astype(np.float32)
    expected = [
        images * np.float32(0.7),
        np.minimum(images * np.float32(1.3), 255),
        degradation.lower_resolution(tf.constant(images), 0.5 * one),
        degradation.compress_as_jpeg(tf.constant(images), tf.fill([4], 20)),
    ]
    assert list(CORRUPTIONS) == ["darker", "brighter", "coarser", "jpeg"]
    for number, image in enumerate(found):
        np.testing.assert_array_equal(image, expected[number][number])
        assert np.abs(image - images[number]).mean() > 5


def test_image_and_seed_decide_the_corruption_and_all_kinds_occur():
    hashes = [hashlib.sha256(bytes([number])).hexdigest() for number in range(200)]
    files = [ImageRecord("a.png", Path("a.png"), "a", None, None, sha256) for sha256 in hashes]
    kinds = {
        seed: [Corruption(seed).key(file)[0] % len(CORRUPTIONS) for file in files]
        for seed in (0, 1)
    }

    assert kinds[0] == [Corruption(0).key(file)[0] % len(CORRUPTIONS) for file in files]
    assert kinds[0] != kinds[1]
    for of_seed in kinds.values():
        assert np.bincount(of_seed).min() > 30  # of 50 on average


@pytest.mark.parametrize("field", ["border_swap", "choose_on"])
def test_without_a_region_nothing_can_be_swapped(field):
    from dlmath.errors import RecipeError

    value = {"border_swap": 0.5, "choose_on": "stressed"}[field]
    with pytest.raises(RecipeError, match="need a region smaller than the picture"):
        Recipe(name="x", **{field: value})


def test_a_region_has_a_width_and_a_height():
    from dlmath.errors import RecipeError

    with pytest.raises(RecipeError, match=r"set both below 1, or neither.*region_height=1\.0"):
        Recipe(name="x", region_width=0.7)


def test_what_is_masked_has_the_mean_of_what_is_left():
    """So nothing of the masked part is left, not its mean either."""
    images = IMAGES.copy()
    images[:, 10:30, 10:30] = 200  # the region
    images[:, 10:20, 10:30] = 180
    without_region, without_border = region_masked(images, RECIPE), border_masked(images, RECIPE)

    np.testing.assert_array_equal(without_border[:, 10:30, 10:30], images[:, 10:30, 10:30])
    assert set(np.unique(without_border)) == {180, 190, 200}
    for image, masked in zip(images, without_region, strict=True):
        rest = np.ones((40, 40), bool)
        rest[10:30, 10:30] = False
        np.testing.assert_array_equal(masked[rest], image[rest])
        assert set(np.unique(masked[~rest])) == {int(image[rest].mean().round())}
