import math

import numpy as np
import pytest
import tensorflow as tf

from dlmath.data import augment
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

    assert augment.is_off(OFF)
    np.testing.assert_array_equal(augment.apply(IMAGES, drawn), IMAGES)


@pytest.mark.parametrize(
    "field", ["flip_horizontal", "flip_vertical", "rotation", "zoom", "shift", "brightness"]
)
def test_each_field_turns_something_on_and_leaves_the_other_numbers(field):
    one_on = OFF.replace(**{field: getattr(ALL_ON, field)})
    drawn, everything = (augment.draw(recipe, 50, (1, 2)) for recipe in (one_on, ALL_ON))
    nothing = augment.draw(OFF, 50, (1, 2))

    assert not augment.is_off(one_on)
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
