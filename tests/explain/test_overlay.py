import io

import numpy as np
import pytest
from PIL import Image

from dlmath.explain.overlay import SIDE, VIRIDIS, colours, draw_overlay


def luminance(colour):
    return np.asarray(colour) @ [0.2126, 0.7152, 0.0722]


def opened(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def test_the_colours_run_from_dark_to_light_so_that_grey_shows_them_too():
    brightness = luminance(colours(np.linspace(0, 1, 100)))

    assert (np.diff(brightness) > 0).all()
    assert tuple(colours(np.array(1.0))) == tuple(bytes.fromhex(VIRIDIS[-1]))


def test_cold_places_show_the_image_and_hot_ones_the_colour():
    image = Image.new("RGB", (40, 40), "#808080")
    heat = np.zeros((8, 8), np.float32)
    heat[:, 6:] = 1
    sheet = np.asarray(opened(draw_overlay(image, heat, "x")))
    grey = (sheet == 128).all(axis=-1)
    row = grey[sheet.shape[0] // 2]

    assert SIDE <= row.sum() < 2 * SIDE  # the image, and the cold part of the map
    red, green, blue = sheet[sheet.shape[0] // 2, 14 + SIDE + 14 + SIDE - 20]
    assert min(red, green) > 1.5 * blue  # yellow


@pytest.mark.parametrize("size", [(60, 60), (300, 100), (90, 1200)])
def test_an_image_of_any_proportions_is_drawn_in_them(size):
    sheet = opened(draw_overlay(Image.new("RGB", size), np.zeros((4, 4)), "x", ["y"]))

    scale = SIDE / max(size)
    assert sheet.width >= 2 * scale * size[0]
    assert SIDE * size[1] / max(size) <= sheet.height <= SIDE * size[1] / max(size) + 300


def test_long_names_and_lines_are_broken():
    image, heat = Image.new("RGB", (20, 80)), np.zeros((4, 4))
    short = opened(draw_overlay(image, heat, "x"))
    long = opened(draw_overlay(image, heat, "x" * 300, ["word " * 80]))

    assert long.width == short.width
    assert long.height > short.height + 100
