"""Films of every combination, against values computed one by one by the words of the standard."""

import io
import itertools
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dlmath.data.dicom_pixels import to_png

WHITE = 255
# Width that a VOI LUT declares, and the width that its entries have.
TABLES = {
    "8": (8, 8),
    "9": (9, 9),
    "10": (10, 10),
    "12": (12, 12),
    "16": (16, 16),
    "16/12": (16, 12),
}
WINDOWS = {  # center and width in tenths of the range; the first that is whole counts
    "one": [(5, 8)],
    "several": [(4, 6), (9, 1)],
    "first blank": [("", ""), (4, 6)],
    "blank": [("", "")],
}
VOI = ("none", *(f"window {name}" for name in WINDOWS), *(f"LUT {name}" for name in TABLES))
MODALITIES = ("none", "blank", "slope", "negative slope", "LUT 8", "LUT 12", "LUT 16")
WIDTHS = ((8, 8), (16, 8), (16, 10), (16, 12), (16, 16))  # bits allocated, bits stored
PHOTOMETRIC = ("MONOCHROME1", "MONOCHROME2")
PADDINGS = ("none", "value", "range")


class Film(NamedTuple):
    bits: int
    is_signed: bool
    modality: str
    voi: str
    padding: str
    photometric: str

    @property
    def low(self):
        return -(2 ** (self.bits - 1)) if self.is_signed else 0

    @property
    def stored(self):
        """65 values over the whole range; the least two are the padding's."""
        return [self.low + i * (2**self.bits - 1) // 64 for i in range(65)]

    @property
    def padded(self):
        first, second = self.stored[:2]
        return {"none": [], "value": [first], "range": range(first, second + 1)}[self.padding]

    def in_unit(self, value):
        if self.modality.startswith("LUT"):
            width = int(self.modality.split()[1])
            return modality_entry(min(value - self.low, 255), width)
        slope, intercept = self.slope
        return slope * value + intercept

    @property
    def slope(self):
        return {"slope": (2, -100), "negative slope": (-1, 7)}.get(self.modality, (1, 0))

    @property
    def range(self):
        if self.modality.startswith("LUT"):
            return 0, 2 ** int(self.modality.split()[1]) - 1
        ends = [
            self.slope[0] * end + self.slope[1] for end in (self.low, self.low + 2**self.bits - 1)
        ]
        return min(ends), max(ends)

    @property
    def windows(self):
        """Centers and widths in the unit."""
        low, high = self.range
        tenth = (high - low) // 10
        return [
            (low + tenth * center, tenth * width) if center != "" else ("", "")
            for center, width in WINDOWS[self.voi.removeprefix("window ")]
        ]

    @property
    def first(self):
        """The value of the first of 256 entries of the VOI LUT: a signed or unsigned word."""
        return max(self.range[0], -(2**15))


def modality_entry(place, width):
    return place * (2**width - 1) // 255


def voi_entry(place, width):
    """Rises to the top of the width, and no further."""
    return (place * (2**width - 1) + 254) // 255


def expected(film):
    inside = [film.in_unit(value) for value in film.stored if value not in film.padded]
    return [shade_of(film, value, min(inside), max(inside)) for value in film.stored]


def shade_of(film, value, least, greatest):
    if value in film.padded:
        return 0
    shade = voi_shade(film, film.in_unit(value), least, greatest)
    shade = 1 - shade if film.photometric == "MONOCHROME1" else shade
    return round(WHITE * shade)  # Python rounds half to even, as NumPy does


def voi_shade(film, x, least, greatest):
    if film.voi.startswith("LUT"):
        _, width = TABLES[film.voi.removeprefix("LUT ")]
        return Fraction(voi_entry(min(max(x - film.first, 0), 255), width), 2**width - 1)
    if film.voi not in ("none", "window blank"):
        return linear(x, *next(pair for pair in film.windows if "" not in pair))
    if film.range == (0, 255):
        return Fraction(x, 255)
    return Fraction(x - least, greatest - least) if greatest > least else 0


def linear(x, center, width):
    """The pseudo-code of PS3.3, C.11.2.1.2.1."""
    if x <= center - Fraction(1, 2) - Fraction(width - 1, 2):
        return Fraction(0)
    if x > center - Fraction(1, 2) + Fraction(width - 1, 2):
        return Fraction(1)
    return (x - (center - Fraction(1, 2))) / (width - 1) + Fraction(1, 2)


def table(first, width, entries):
    item = pydicom.Dataset()
    kind = "SS" if first < 0 else "US"
    item.add_new("LUTDescriptor", kind, [len(entries), first, width])
    item.add_new("LUTData", "US", list(entries))
    return [item]


def attributes_of(film):
    attributes = {"PhotometricInterpretation": film.photometric}
    attributes |= {"BitsStored": film.bits, "HighBit": film.bits - 1}
    if film.modality.startswith("LUT"):
        width = int(film.modality.split()[1])
        entries = [modality_entry(place, width) for place in range(256)]
        attributes["ModalityLUTSequence"] = table(film.low, width, entries)
    elif film.modality != "none":
        is_blank = film.modality == "blank"
        attributes["RescaleSlope"], attributes["RescaleIntercept"] = (
            ("", "") if is_blank else film.slope
        )
    if film.padding != "none":
        attributes["PixelPaddingValue"] = film.padded[0]
    if film.padding == "range":
        attributes["PixelPaddingRangeLimit"] = film.padded[-1]
    if film.voi.startswith("window"):
        centers, widths = zip(*film.windows, strict=True)
        attributes |= {"WindowCenter": list(centers), "WindowWidth": list(widths)}
    elif film.voi != "none":
        declared, width = TABLES[film.voi.removeprefix("LUT ")]
        entries = [voi_entry(place, width) for place in range(256)]
        attributes["VOILUTSequence"] = table(film.first, declared, entries)
    return attributes


def check(film, allocated, write_dicom, folder):
    kind = "i" if film.is_signed else "u"
    pixels = np.array([film.stored], np.dtype(f"{kind}{allocated // 8}"))
    path = write_dicom(folder / "film.dcm", pixels, **attributes_of(film))
    image = Image.open(io.BytesIO(to_png(path.read_bytes(), "film")))
    assert np.asarray(image).tolist() == [expected(film)], film


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("films")


@given(
    width=st.sampled_from(WIDTHS),
    is_signed=st.booleans(),
    modality=st.sampled_from(MODALITIES),
    voi=st.sampled_from(VOI),
    padding=st.sampled_from(PADDINGS),
    photometric=st.sampled_from(PHOTOMETRIC),
)
def test_films_have_the_shades_of_the_standard(
    write_dicom, folder, width, is_signed, modality, voi, padding, photometric
):
    allocated, bits = width
    film = Film(bits, is_signed, modality, voi, padding, photometric)
    check(film, allocated, write_dicom, folder)


@pytest.mark.slow
@pytest.mark.parametrize("voi", VOI)
@pytest.mark.parametrize(("allocated", "bits"), WIDTHS)
def test_so_does_every_combination(write_dicom, tmp_path, allocated, bits, voi):
    for others in itertools.product((False, True), MODALITIES, PADDINGS, PHOTOMETRIC):
        is_signed, modality, padding, photometric = others
        film = Film(bits, is_signed, modality, voi, padding, photometric)
        check(film, allocated, write_dicom, tmp_path)
