import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.data import augment, degradation
from dlmath.recipe import Recipe

OFF = Recipe(name="test")
ALL_ON = OFF.replace(
    flip_horizontal=True,
    flip_vertical=True,
    rotation=20.0,
    zoom=0.2,
    shift=0.1,
    brightness=0.3,
)
MORE = {
    "stretch": 0.3,
    "shear": 10.0,
    "contrast": 0.4,
    "gamma": 0.5,
    "blur": 0.8,
    "erasing": 0.5,
    "border_swap": 0.6,
    "equalize": 0.7,
    "resolution": 0.8,
    "noise": 0.1,
    "jpeg": 30,
}
REGION = {"region_width": 0.7, "region_height": 0.6}
EVERYTHING = ALL_ON.replace(**MORE, **REGION)
PARTS = {name: "erased" if name == "erasing" else name for name in MORE}
IMAGES = tf.constant(np.random.default_rng(0).uniform(0, 255, (4, 9, 9, 3)), tf.float32)


def known(count=4, **parts):
    """A draw that changes nothing but `parts`."""
    neutral = {
        "flip_horizontal": 1.0,
        "flip_vertical": 1.0,
        "zoom": 1.0,
        "rotation": 0.0,
        "shift_right": 0.0,
        "shift_down": 0.0,
        "brightness": 1.0,
    }
    return augment.Draw(**{name: tf.fill([count], v) for name, v in (neutral | parts).items()})


def test_with_everything_off_images_pass_through_bitwise():
    drawn = augment.draw(OFF, 4, (1, 2))

    assert not OFF.augments
    np.testing.assert_array_equal(augment.apply(IMAGES, drawn), IMAGES)


@pytest.mark.parametrize(
    "field", ["flip_horizontal", "flip_vertical", "rotation", "zoom", "shift", "brightness"]
)
def test_each_field_turns_something_on_and_leaves_the_other_numbers(field):
    one_on = OFF.replace(**{field: getattr(ALL_ON, field)})
    drawn, everything = (augment.draw(recipe, 50, (1, 2)) for recipe in (one_on, ALL_ON))
    nothing = augment.draw(OFF, 50, (1, 2))

    assert one_on.augments
    changed = [n for n in drawn._fields if np.any(getattr(drawn, n) != getattr(nothing, n))]
    assert changed == (["shift_right", "shift_down"] if field == "shift" else [field])
    for name in changed:
        np.testing.assert_array_equal(getattr(drawn, name), getattr(everything, name))


def test_draws_fill_their_ranges():
    drawn = augment.draw(ALL_ON, 5_000, (3, 4))

    for numbers, low, high in [
        (drawn.rotation, -math.radians(20), math.radians(20)),
        (drawn.zoom, 0.8, 1.2),
        (drawn.shift_right, -0.1, 0.1),
        (drawn.shift_down, -0.1, 0.1),
        (drawn.brightness, 0.7, 1.3),
    ]:
        slack = 0.01 * (high - low)
        assert low - 1e-6 <= np.min(numbers) < low + slack
        assert high - slack < np.max(numbers) <= high + 1e-6
        assert abs(np.mean(numbers) - (low + high) / 2) < 3 * slack
    for signs in (drawn.flip_horizontal, drawn.flip_vertical):
        assert set(np.unique(signs)) == {-1.0, 1.0}
        assert abs(np.mean(signs)) < 0.06
    # No two parts may share their numbers.
    rows = np.array([drawn.rotation, drawn.zoom, drawn.shift_right, drawn.shift_down])
    assert np.abs(np.corrcoef(rows) - np.eye(4)).max() < 0.06


def test_the_seed_alone_decides_eagerly_and_in_a_map():
    def both(seed):
        return augment.apply(IMAGES, augment.draw(ALL_ON, 4, seed))

    seeds = tf.constant([[1, 2], [1, 2], [1, 3]])
    first, again, other = tf.data.Dataset.from_tensor_slices(seeds).map(both)

    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)
    np.testing.assert_array_equal(both((1, 2)), first)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"flip_horizontal": -1.0}, IMAGES[:, :, ::-1]),
        ({"flip_vertical": -1.0}, IMAGES[:, ::-1]),
        ({"rotation": math.pi / 2}, tf.image.rot90(IMAGES)),  # rot90 turns anticlockwise
        ({"rotation": math.pi}, IMAGES[:, ::-1, ::-1]),
        # Flips come before the turn.
        ({"flip_horizontal": -1.0, "rotation": math.pi / 2}, tf.image.rot90(IMAGES[:, :, ::-1])),
        ({"shift_right": 1 / 9}, tf.pad(IMAGES[:, :, :-1], [(0, 0), (0, 0), (1, 0), (0, 0)])),
        ({"shift_down": -2 / 9}, tf.pad(IMAGES[:, 2:], [(0, 0), (0, 2), (0, 0), (0, 0)])),
        ({"brightness": 0.5}, IMAGES / 2),
        ({"brightness": 2.0}, tf.minimum(IMAGES * 2, 255.0)),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_known_numbers_give_known_images(parts, expected):
    # The sine of a float32 pi is 1e-7 off, and neighbours differ by up to 255.
    np.testing.assert_allclose(augment.apply(IMAGES, known(**parts)), expected, atol=1e-2)


def test_flips_are_bitwise_exact():
    flipped = augment.apply(IMAGES, known(flip_horizontal=-1.0, flip_vertical=-1.0))

    np.testing.assert_array_equal(flipped, IMAGES[:, ::-1, ::-1])


def test_zoom_magnifies_about_the_centre():
    ramp = tf.tile(tf.range(9.0)[tf.newaxis, tf.newaxis, :, tf.newaxis], (1, 9, 1, 1))

    larger = augment.apply(ramp, known(1, zoom=2.0)).numpy()
    smaller = augment.apply(ramp, known(1, zoom=0.5)).numpy()

    np.testing.assert_allclose(larger[0, 4, :, 0], 4 + (np.arange(9) - 4) / 2, atol=1e-5)
    np.testing.assert_allclose(smaller[0, 4, 2:7, 0], [0, 2, 4, 6, 8], atol=1e-5)
    np.testing.assert_array_equal(smaller[0, 4, [0, 1, 7, 8], 0], 0)  # outside is black


def test_each_image_gets_its_own_numbers_and_stays_in_range():
    white = tf.fill((16, 9, 9, 3), 255.0)

    augmented = augment.apply(white, augment.draw(ALL_ON, 16, (5, 6))).numpy()

    assert augmented.shape == (16, 9, 9, 3)
    assert augmented.min() >= 0
    assert augmented.max() <= 255
    assert len({image.tobytes() for image in augmented}) == 16


@pytest.mark.parametrize("field", MORE)
def test_each_further_field_adds_its_part_and_changes_no_other_number(field):
    one_on = OFF.replace(**{field: MORE[field]}, **REGION)
    drawn, everything = (augment.draw(recipe, 50, (1, 2)) for recipe in (one_on, EVERYTHING))
    nothing = augment.draw(ALL_ON, 50, (1, 2))

    assert one_on.augments
    assert [n for n in drawn._fields if getattr(drawn, n) is not None][7:] == [PARTS[field]]
    tf.nest.map_structure(
        np.testing.assert_array_equal,
        getattr(drawn, PARTS[field]),
        getattr(everything, PARTS[field]),
    )
    for name in nothing._fields[:7]:
        np.testing.assert_array_equal(getattr(nothing, name), getattr(everything, name))


def test_further_draws_fill_their_ranges():
    drawn = augment.draw(EVERYTHING, 5_000, (3, 4))
    swap, erased = drawn.border_swap, drawn.erased

    for numbers, low, high in [
        (np.log(drawn.stretch), -math.log(1.3), math.log(1.3)),
        (drawn.shear, -math.radians(10), math.radians(10)),
        (drawn.contrast, 0.6, 1.4),
        (np.log(drawn.gamma), -math.log(1.5), math.log(1.5)),
        (drawn.blur, 0.0, 0.8),
        (drawn.equalize, 0.0, 0.7),
        (drawn.resolution, 0.2, 1.0),
        (drawn.noise.deviation, 0.0, 0.1),
        (erased.x, 0.0, 1.0),
        (erased.height, *augment.ERASED),
        (swap.region.x, 0.45, 0.55),
        (swap.region.width, 0.7 * 0.85, 0.7 * 1.15),
        (swap.region.height, 0.6 * 0.85, 0.6 * 1.15),
    ]:
        slack = 0.01 * (high - low)
        assert low - 1e-6 <= np.min(numbers) < low + slack
        assert high - slack < np.max(numbers) <= high + 1e-6
        assert abs(np.mean(numbers) - (low + high) / 2) < 3 * slack
    assert set(drawn.jpeg.numpy()) == set(range(30, 96))
    assert abs(np.mean(drawn.jpeg) - 62.5) < 1.5
    rows = [drawn.equalize, drawn.resolution, drawn.noise.deviation, drawn.jpeg, drawn.blur]
    assert np.abs(np.corrcoef(np.array(rows, float)) - np.eye(5)).max() < 0.06
    assert abs(np.mean(swap.swapped) - 0.6) < 0.03
    assert abs(np.mean(erased.width.numpy() > 0) - 0.5) < 0.03
    assert sorted(swap.partner.numpy()) == list(range(5_000))  # each border once
    assert not np.any(swap.partner == np.arange(5_000))


def test_draws_stay_what_they_were_and_the_later_ones_are_golden():
    """A run is repeated by its seed, and cached views are found by it."""
    drawn = augment.draw(EVERYTHING, 2, (1, 2))

    golden = {
        "zoom": [0.9087960720062256, 1.0597383975982666],
        "stretch": [1.1859906911849976, 1.1847432851791382],
        "blur": [0.4321233928203583, 0.177449032664299],
        "equalize": [0.4081316590309143, 0.3420514762401581],
        "resolution": [0.6573793292045593, 0.2672065496444702],
        "jpeg": [82, 86],
    }
    for name, expected in golden.items():
        np.testing.assert_allclose(getattr(drawn, name), expected, rtol=1e-5, err_msg=name)


def swapped(images, *, width=0.5, height=0.5):
    half, count = tf.fill([len(images)], 0.5), len(images)
    region = augment.Rectangle(half, half, tf.fill([count], width), tf.fill([count], height))
    swap = augment.BorderSwap(tf.range(count)[::-1], tf.ones(count, bool), region)
    return augment.apply(images, known(count)._replace(border_swap=swap)).numpy()


def test_a_swapped_border_is_the_partners_and_the_region_the_images_own():
    dark, light = np.full((64, 64, 3), 20.0), np.full((64, 64, 3), 200.0)

    found = swapped(tf.constant(np.stack([dark, light]), tf.float32))

    np.testing.assert_allclose(found[0, 28:36, 28:36], 20, atol=0.2)
    np.testing.assert_allclose(found[0, :4], 200, atol=0.2)
    np.testing.assert_allclose(found[0, :, -4:], 200, atol=0.2)
    np.testing.assert_allclose(found[0] + found[1], 220, atol=1e-3)  # what one gains, one loses


def test_the_mask_is_a_half_on_the_superellipse_and_falls_outwards():
    half = tf.constant([0.5])
    mask = augment.region_mask(augment.Rectangle(half, half, half, half), 400, 400)[
        0, :, :, 0
    ].numpy()

    assert mask[200, 300] == pytest.approx(0.5, abs=0.02)  # half of the width to the right
    corner = 200 + round(100 * 0.5**0.25)  # u = v = 2^(-1/4)
    assert mask[corner, corner] == pytest.approx(0.5, abs=0.02)
    assert np.all(np.diff(mask[200, 200:]) <= 0)
    assert mask[200, 200] > 0.999
    assert mask[0, 0] < 0.001


def test_an_image_by_itself_keeps_its_border():
    one = IMAGES[:1]
    drawn = augment.draw(OFF.replace(border_swap=1.0, **REGION), 1, (1, 2))

    np.testing.assert_allclose(augment.apply(one, drawn), one, atol=1e-3)


def test_stretch_widens_and_keeps_the_area():
    ramp = tf.tile(tf.range(9.0)[tf.newaxis, tf.newaxis, :, tf.newaxis], (1, 9, 1, 1))

    wider = augment.apply(ramp, known(1)._replace(stretch=tf.constant([4.0]))).numpy()

    np.testing.assert_allclose(wider[0, 4, :, 0], 4 + (np.arange(9) - 4) / 2, atol=1e-5)
    np.testing.assert_array_equal(wider[0, [0, 1, 7, 8], 4], 0)  # half as high: outside is black


def test_shear_moves_rows_by_their_height_above_the_centre():
    column = np.zeros((1, 9, 9, 1), np.float32)
    column[0, :, 4] = 100

    leaning = augment.apply(
        tf.constant(column), known(1)._replace(shear=tf.constant([math.pi / 4]))
    ).numpy()

    np.testing.assert_allclose(leaning[0, ..., 0], 100 * np.eye(9), atol=1e-3)


def test_contrast_keeps_the_mean_and_gamma_the_ends():
    grey = tf.constant(np.linspace(60, 200, 81, dtype=np.float32).reshape(1, 9, 9, 1))
    ends = tf.constant(np.array([0, 127.5, 255], np.float32).reshape(1, 1, 3, 1))

    flatter = augment.apply(grey, known(1)._replace(contrast=tf.constant([0.5]))).numpy()
    lighter = augment.apply(ends, known(1)._replace(gamma=tf.constant([0.5]))).numpy()

    assert flatter.mean() == pytest.approx(130, abs=1e-3)
    assert np.ptp(flatter) == pytest.approx(70, abs=1e-3)
    np.testing.assert_allclose(lighter.ravel(), [0, 255 * 0.5**0.5, 255], atol=1e-3)


def test_blur_averages_over_four_pixels():
    stripes = tf.constant(np.tile([0.0, 255.0], (1, 16, 8))[..., np.newaxis], tf.float32)

    blurred = augment.apply(stripes, known(1)._replace(blur=tf.constant([1.0])))

    np.testing.assert_allclose(blurred, 127.5, atol=1e-3)


def test_an_erased_rectangle_has_the_images_mean_and_no_width_erases_nothing():
    where = augment.Rectangle(
        *(tf.constant([v, v]) for v in (0.5, 0.5)), *[tf.constant([1 / 3, 0.0])] * 2
    )

    found = augment.apply(IMAGES[:2], known(2)._replace(erased=where)).numpy()

    mean = IMAGES[0].numpy().mean(axis=(0, 1))
    np.testing.assert_allclose(found[0, 3:6, 3:6], np.broadcast_to(mean, (3, 3, 3)), rtol=1e-4)
    np.testing.assert_array_equal(found[0, :3], IMAGES[0, :3])
    np.testing.assert_array_equal(found[1], IMAGES[1])


def test_equalising_is_that_of_keras_image_by_image():
    images = np.random.default_rng(1).integers(40, 90, (3, 16, 16, 3)).astype(np.float32)
    images[1] = 77.0  # one level: stays
    equalize = keras.layers.Equalization()

    found = augment.equalize_histograms(tf.constant(images)).numpy()

    for image, expected in zip(found, images, strict=True):
        np.testing.assert_allclose(image, equalize(expected), atol=0.5)  # Keras rounds
    np.testing.assert_array_equal(found[1], images[1])


def test_equalising_spreads_four_levels_evenly():
    levels = tf.constant(np.array([10, 11, 12, 200], np.float32).reshape(1, 2, 2, 1))
    all_of_it, half = (
        augment.apply(levels, known(1)._replace(equalize=tf.constant([share])))
        for share in (1.0, 0.5)
    )

    np.testing.assert_allclose(tf.reshape(all_of_it, [-1]), [0, 85, 170, 255], atol=1e-3)
    np.testing.assert_allclose(tf.reshape(half, [-1]), [5, 48, 91, 227.5], atol=1e-3)


def test_each_part_of_the_quality_is_applied():
    parts = {
        "resolution": tf.fill([4], 0.34),
        "noise": augment.Noise(tf.fill([4], 0.1), tf.constant([1, 2])),
        "jpeg": tf.fill([4], 20),
    }
    expected = degradation.lower_resolution(IMAGES, parts["resolution"])
    expected = degradation.add_noise(expected, *parts["noise"])
    expected = degradation.compress_as_jpeg(expected, parts["jpeg"])

    found = augment.apply(IMAGES, known()._replace(**parts))

    np.testing.assert_array_equal(found, expected)
    for name in parts:
        without = augment.apply(IMAGES, known()._replace(**(parts | {name: None})))
        assert np.any(without != found), name


def test_without_augmentation_is_off_and_changes_nothing_else():
    off = EVERYTHING.replace(mixup=0.2).without_augmentation()

    assert not off.augments
    assert off == OFF.replace(mixup=0.2, **REGION)


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(["equalize", "resolution", "noise", "jpeg"]),
    amount=st.floats(0, 1),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    seed=st.integers(0, 2**31 - 1),
)
def test_quality_keeps_shape_and_range_and_grey_stays_grey(name, amount, size, seed):
    most = {"equalize": 1.0, "resolution": 0.95, "noise": 0.5, "jpeg": 94}[name]
    value = 1 + round(amount * most) if name == "jpeg" else amount * most
    grey = np.random.default_rng(seed).integers(0, 256, (2, *size, 1))
    images = tf.constant(np.repeat(grey, 3, axis=3), tf.float32)

    found = augment.apply(images, augment.draw(OFF.replace(**{name: value}), 2, (seed, 1))).numpy()

    assert found.shape == images.shape
    assert found.min() >= 0
    assert found.max() <= 255
    np.testing.assert_allclose(found[..., :1], found[..., 1:2], atol=1e-3)
