"""Augmented views: the pixels of single operations, and borders that other images lend."""

import hashlib
import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dlmath.data import augment, images
from dlmath.data.sources import read_sources
from dlmath.features import View, freeze, load_features
from dlmath.models import build
from dlmath.recipe import Recipe

PLAIN = Recipe(
    name="small",
    classes=("bright", "dark"),
    backbone="malaria_cnn",
    weights="none",
    tune="head",
    image_size=16,
    rotation=20.0,
    zoom=0.1,
    shift=0.1,
    brightness=0.3,
    flip_horizontal=True,
)
SWAP = PLAIN.replace(border_swap=1.0, region_width=0.5, region_height=0.5)
KEY = bytes(range(3, 35))


@pytest.fixture
def examples(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    draw = np.random.default_rng(0)
    for number in range(7):
        folder = tmp_path / "images" / PLAIN.classes[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        noise = draw.integers(0, 256, (20, 18, 3)).astype(np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    return read_sources([tmp_path / "images"]).examples


def noise(count, size=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3)).astype(np.uint8)


def by_single_operations(recipe, pixels, key):
    """What computed the views before, an operation after the other."""
    seed = tf.constant(np.frombuffer(key[:8], "<i4") & 0x7FFFFFFF)
    drawn = augment.draw(recipe, len(pixels), seed)
    return augment.apply(tf.constant(pixels, tf.float32), drawn).numpy()[0]


@settings(max_examples=25)
@given(key=st.binary(min_size=32, max_size=32))
def test_cached_views_stay_valid(key):
    """A compiled graph gives the very pixels of the single operations that made them."""
    pixels = noise(1, 48)
    found = View(PLAIN, 1).apply(pixels[0], key)
    np.testing.assert_array_equal(found, by_single_operations(PLAIN, pixels, key))


@pytest.mark.parametrize("field", ["stretch", "shear", "contrast", "blur", "erasing"])
def test_cached_views_with_later_fields_stay_valid(field):
    recipe = PLAIN.replace(**{field: 0.4})
    for number in range(8):
        pixels, key = noise(1, 48, number), hashlib.sha256(bytes([number])).digest()
        found = View(recipe, 1).apply(pixels[0], key)
        np.testing.assert_array_equal(found, by_single_operations(recipe, pixels, key))
    assert "compiled" not in View(recipe, 1).text


def test_views_that_round_otherwise_have_another_key():
    recipe, pixels = PLAIN.replace(gamma=0.3), noise(1)

    assert json.loads(View(recipe, 1).text)["compiled"] is True
    found = View(recipe, 1).apply(pixels[0], KEY)
    np.testing.assert_allclose(found, by_single_operations(recipe, pixels, KEY), atol=0.01)


def test_a_swap_is_that_of_a_batch_of_the_two(examples):
    pixels = noise(2)

    found = View(SWAP, 1).apply(pixels[0], KEY, pixels[1])

    np.testing.assert_allclose(found, by_single_operations(SWAP, pixels, KEY), atol=0.001)
    own = View(SWAP, 1).apply(pixels[0], KEY, pixels[0])
    assert np.abs(found[8, 8] - own[8, 8]).max() < 1  # the region is the image's own
    assert np.abs(found - own).max() > 10  # the border the other's
    np.testing.assert_array_equal(
        View(SWAP.replace(border_swap=0.0), 1).apply(pixels[0], KEY),
        View(PLAIN, 1).apply(pixels[0], KEY),
    )


def test_a_swapped_image_gets_all_that_is_drawn_for_it(examples):
    """Of what is drawn for the two images that of the first is kept, a seed as a whole."""
    quality = {"noise": 0.2, "resolution": 0.5, "jpeg": 30, "equalize": 0.5, "erasing": 1.0}
    recipe, pixels = SWAP.replace(**quality), noise(2)

    found = View(recipe, 1).apply(pixels[0], KEY, pixels[1])

    assert found.shape == pixels[0].shape
    for name in quality:
        off = type(getattr(recipe, name))()
        without = View(recipe.replace(**{name: off}), 1).apply(pixels[0], KEY, pixels[1])
        assert np.abs(found - without).max() > 1, name


def test_the_region_is_in_the_key_of_a_swap_only():
    swap, plain = json.loads(View(SWAP, 1).text), json.loads(View(PLAIN, 1).text)

    assert (swap["border_swap"], swap["region_width"], swap["region_height"]) == (1.0, 0.5, 0.5)
    assert not {"border_swap", "region_width", "region_height"} & plain.keys()
    stressed = PLAIN.replace(choose_on="stressed", tune="tail", region_width=0.5, region_height=0.5)
    assert View(stressed, 1).text == View(PLAIN, 1).text


def test_any_other_image_lends_its_border_equally_often(examples):
    lenders = tuple(
        replace(one, sha256=hashlib.sha256(bytes([number])).hexdigest())
        for number, one in enumerate(examples)
    )
    view, count = View(SWAP, 1, lenders), 3_000
    drawn = Counter()
    for number in range(count):
        example = replace(examples[0], sha256=hashlib.sha256(b"%d" % number).hexdigest())
        drawn[view.partner(example).sha256] += 1
    expected = count / len(lenders)
    assert len(drawn) == len(lenders)
    # The statistic's mean is 6 and its standard deviation 3.5.
    assert sum((n - expected) ** 2 / expected for n in drawn.values()) < 25
    for one in lenders:
        assert view.partner(one).sha256 != one.sha256


def test_the_row_depends_on_the_lender_by_its_content(examples):
    view = View(SWAP, 1, examples)
    partner = view.partner(examples[0])
    without = View(SWAP, 1, tuple(one for one in examples if one != partner))
    renamed = View(SWAP, 1, tuple(replace(one, file=f"other/{one.file}") for one in examples[::-1]))

    assert view.key(examples[0]) != without.key(examples[0])
    assert view.key(examples[0]) == renamed.key(examples[0])
    assert View(SWAP, 1, examples[:1]).partner(examples[0]) is None
    assert View(PLAIN, 1, examples).partner(examples[0]) is None


def test_rows_are_those_of_the_swapped_pixels(examples):
    network, view = freeze(build(SWAP)), View(SWAP, 2, examples)

    features = load_features(examples, network, view=view)

    def read(example):
        return images.read(example.path, example.file, 16)

    for row, example in zip(features.array, examples, strict=True):
        pixels = view.apply(read(example), view.key(example), read(view.partner(example)))
        np.testing.assert_array_equal(row, network.make_runner()(pixels[np.newaxis])[0])


def test_a_lender_that_cannot_be_read_leaves_an_image_its_border(examples):
    network, view = freeze(build(SWAP)), View(SWAP, 1, examples)
    example = examples[0]
    view.partner(example).path.write_bytes(b"no image")

    features = load_features(examples, network, view=view, on_bad_file="skip")

    assert len(features.bad) == 1
    pixels = images.read(example.path, example.file, 16)
    own = view.apply(pixels, view.key(example))
    np.testing.assert_array_equal(features.array[0], network.make_runner()(own[np.newaxis])[0])
