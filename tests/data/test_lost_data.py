"""A JPEG that lost data is told by the data that run out, and its copies by a flat lower part."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dlmath.data import images
from dlmath.data.lost_data import (
    doubts_about,
    flat_lower_share,
    is_blank,
    is_cut_short,
    read_with_doubts,
)

END = b"\xff\xd9"


def photograph(height=160, width=120, seed=0):
    """Smooth blobs with noise: as a picture, not as a test chart."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (8, 6, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), float)
    return Image.fromarray((smooth + random.normal(0, 4, smooth.shape)).clip(0, 255).astype("u1"))


def jpeg(image, **options):
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


OPTIONS = [
    {},
    {"quality": 30},
    {"subsampling": 0},
    {"progressive": True},
    {"restart_marker_blocks": 7},
    {"optimize": True},
]
# Between two scans a progressive file may end: it is then a whole one of fewer scans.
ONE_SCAN = [options for options in OPTIONS if "progressive" not in options]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_whole_jpeg_is_not_doubted(options, mode):
    data = jpeg(photograph().convert(mode), **options)

    assert not is_cut_short(data)
    assert read_with_doubts(data, "one", 64).doubts == ()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.97])
def test_a_jpeg_that_ends_early_and_properly_is_found(options, share):
    data = jpeg(photograph(), **options)
    start = data.index(b"\xff\xda") + 14
    cut = data[: start + int(share * (len(data) - start))].rstrip(b"\xff") + END

    images.read(cut, "one", 64)  # decodes without an error
    assert is_cut_short(cut)


@given(at=st.floats(0.05, 0.97), seed=st.integers(0, 20), options=st.sampled_from(ONE_SCAN))
def test_wherever_it_ends_early(at, seed, options):
    data = jpeg(photograph(seed=seed), **options)
    start = data.index(b"\xff\xda") + 14

    assert is_cut_short(data[: start + int(at * (len(data) - start))].rstrip(b"\xff") + END)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("fill", [b"", bytes(300)], ids=["gone", "zeros"])
def test_a_hole_in_the_data_is_found(seed, fill):
    data = jpeg(photograph(seed=seed))
    hole = data.index(b"\xff\xda") + 700

    assert is_cut_short(data[:hole] + fill + data[hole + 300 :])


def test_what_is_no_jpeg_is_never_cut_short():
    stream = io.BytesIO()
    photograph().save(stream, "PNG")
    assert not is_cut_short(stream.getvalue())


@pytest.mark.parametrize(
    ("top", "bottom", "share"),
    [
        (0, 40, 0.4),  # a quarter and more of one shade at the bottom
        (0, 9, 0.0),  # below a tenth
        (20, 40, 0.0),  # bars at the top and at the bottom: padding
        (19, 40, 0.4),
        (100, 100, 0.0),  # flat throughout: blank, which another check says
    ],
)
def test_the_share_of_a_flat_lower_part(top, bottom, share):
    pixels = np.random.default_rng(0).integers(0, 256, (100, 30), dtype=np.uint8)
    pixels[:top], pixels[100 - bottom :] = 128, 128

    assert flat_lower_share(pixels) == share
    assert flat_lower_share(np.stack([pixels] * 3, axis=2)) == share


def test_bars_of_two_shades_are_no_padding():
    pixels = np.random.default_rng(0).integers(0, 256, (100, 30), dtype=np.uint8)
    pixels[:30], pixels[60:] = 0, 128

    assert flat_lower_share(pixels) == 0.4


def test_two_colours_of_one_brightness_are_not_one_shade():
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:, :5] = (200, 0, 0)
    pixels[:, 5:] = (0, 200, 0)

    assert flat_lower_share(pixels) == 0


def test_a_copy_of_a_spoilt_picture_is_doubted_by_its_lower_part():
    data = jpeg(photograph())
    cut = data[: len(data) // 2] + END
    copy = jpeg(images.read_upright(cut, "one"), quality=85)

    assert not is_cut_short(copy)
    (doubt,) = doubts_about(copy, np.asarray(images.read_upright(copy, "one")))
    assert doubt.startswith("the lower ")


@pytest.mark.real_data
def test_no_real_film_is_doubted(shared_data):
    import zipfile

    archive = shared_data / "chest_xray" / "chest_xray_test_224.zip"
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if name.endswith(".jpeg")]
        assert len(names) == 308
        for name in names:
            assert read_with_doubts(opened.read(name), name, 224).doubts == (), name


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("colour", ["black", "white", "#203040"])
@pytest.mark.parametrize("encoding", ["PNG", "JPEG"])
def test_a_picture_of_one_shade_is_doubted(mode, colour, encoding):
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), colour).convert(mode).save(stream, encoding)
    picture = read_with_doubts(stream.getvalue(), "one", 16)
    assert picture.doubts == ("the whole picture is one flat shade: there is nothing to see in it",)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 29), st.integers(0, 39))
def test_a_picture_is_blank_up_to_two_levels(level, other, row, column):
    pixels = np.full((30, 40, 3), level, np.uint8)
    pixels[row, column, 1] = other
    assert is_blank(pixels) == is_blank(pixels[..., 1]) == (abs(level - other) <= 2)
