import io

import numpy as np
import pydicom
import pytest
from PIL import Image

from dlmath.data.dicom_levels import GreyLevels, count_levels, doubts_of
from dlmath.data.dicom_pixels import to_png

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def levels_of(path):
    return GreyLevels.of_png(to_png(path.read_bytes(), "film"))


@pytest.mark.parametrize(
    "values",
    [
        np.array([5, 5, 7], np.uint8),
        np.array([-3, 90000], np.int32),
        np.array([0.5, 0.25], np.float32),
        np.array([[0, 65535]], np.uint16),
    ],
)
def test_distinct_numbers_are_counted(values):
    assert count_levels(values) == 2


def test_no_more_than_256_are_counted():
    assert count_levels(RAMP) == count_levels(RAMP / 7) == 256
    assert count_levels(RAMP[:0]) == 0


@pytest.mark.parametrize(
    ("before", "after", "are_lost"),
    [(256, 127, True), (256, 128, False), (2, 1, False), (0, 0, False)],
)
def test_more_than_half_is_too_much(before, after, are_lost):
    assert GreyLevels(before, after).are_lost == are_lost


@pytest.mark.parametrize(
    ("window", "levels"),
    [
        ((2048, 4096), (256, 256)),
        ((2048, 400), (256, 256)),  # narrow, and every shade is in use
        ((128, 256), (256, 256)),  # of this ramp all values below 256 are there
        ((6000, 50), (256, 1)),  # of another unit: all black
    ],
)
def test_a_window_is_judged_by_what_it_leaves(write_dicom, tmp_path, window, levels):
    center, width = window
    path = write_dicom(tmp_path / "a.dcm", RAMP, WindowCenter=center, WindowWidth=width)
    assert levels_of(path) == levels


def test_a_window_of_eight_bits_on_a_film_of_twelve_is_doubted(write_dicom, tmp_path):
    film = (RAMP // 16 * 16 + 7).astype(np.uint16)  # 256 grey levels of 12 bits
    path = write_dicom(tmp_path / "a.dcm", film, WindowCenter=128, WindowWidth=256)
    levels = levels_of(path)
    assert levels == (256, 17)
    assert levels.are_lost
    (doubt,) = doubts_of(to_png(path.read_bytes(), "film"))
    assert doubt.startswith("of 256 or more grey levels only 17 are left in 8 bits: the window")


def test_a_hot_pixel_without_a_window_is_doubted(write_dicom, tmp_path):
    film = (RAMP // 16 * 16).astype(np.uint16)
    film[0, 0] = 65535
    assert levels_of(write_dicom(tmp_path / "a.dcm", film)).are_lost


def test_padding_is_no_grey_level(write_dicom, tmp_path):
    film = RAMP.astype(np.int16) % 100
    film[:20] = -2000
    path = write_dicom(tmp_path / "a.dcm", film, PixelPaddingValue=-2000)
    assert levels_of(path) == (100, 100)
    assert levels_of(write_dicom(tmp_path / "b.dcm", film)) == (101, 14)


def test_a_film_that_keeps_its_levels_is_not_doubted(write_dicom, tmp_path):
    path = write_dicom(tmp_path / "a.dcm", RAMP, WindowCenter=2048, WindowWidth=4096)
    assert doubts_of(to_png(path.read_bytes(), "film")) == ()


def test_an_image_that_was_no_dicom_file_says_nothing():
    for format_ in ("PNG", "JPEG"):
        content = io.BytesIO()
        Image.fromarray(RAMP.astype(np.uint8)).save(content, format_)
        assert GreyLevels.of_png(content.getvalue()) is None
        assert doubts_of(content.getvalue()) == ()


def test_a_table_that_declares_too_many_bits_loses_nothing(write_dicom, tmp_path):
    table = pydicom.Dataset()
    table.add_new("LUTDescriptor", "US", [4096, 0, 16])
    table.add_new("LUTData", "US", list(range(4096)))
    path = write_dicom(tmp_path / "a.dcm", RAMP, VOILUTSequence=[table])
    assert levels_of(path) == (256, 256)
