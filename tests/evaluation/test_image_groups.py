import numpy as np
from PIL import Image

from dlmath.data.sources import Example
from dlmath.evaluation.image_groups import brightness, image_groups, image_sizes


def examples_in(folder, sides):
    """One grey PNG a side length, and a file that is no image."""
    found = []
    for number, side in enumerate(sides):
        path = folder / f"{number}.png"
        Image.new("L", (side, 4 * side), 100).save(path)
        found.append(Example(path.name, path, "a", None, None, ""))
    (folder / "broken.png").write_bytes(b"\x89PNG")
    return [*found, Example("broken.png", folder / "broken.png", "a", None, None, "")]


def test_the_size_is_that_of_a_square_of_equal_area(tmp_path):
    sizes = image_sizes(examples_in(tmp_path, [8, 30]))

    np.testing.assert_array_equal(sizes, [16, 60, np.nan])


def test_brightness_is_the_mean_of_each_image():
    levels = np.arange(600) % 256  # more than are read at once
    pixels = np.broadcast_to(levels[:, None, None, None], (600, 4, 4, 3)).astype(np.uint8)

    np.testing.assert_array_equal(brightness(pixels), levels)


def test_what_does_not_divide_the_images_is_left_out(tmp_path):
    examples = examples_in(tmp_path, [8, 8, 8])[:3]
    pixels = np.zeros((3, 4, 4, 3), np.uint8)
    pixels[2] = 90

    groups = image_groups(examples, pixels, np.array([True, False, True]))

    assert [one.name for one in groups] == ["brightness"]  # one size, no kind
