"""A format is told by the first bytes, and a name only says that an answer is wanted."""

import io

import numpy as np
import pytest
from PIL import Image

from dlmath.data.class_folders import is_image
from dlmath.data.image_formats import (
    ENDINGS,
    describe,
    format_of,
    format_of_file,
    has_foreign_name,
    has_image_name,
    readable_formats,
)

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)


def encoded(kind):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP", "GIF", "WebP"])
def test_what_pillow_writes_is_told_by_its_first_bytes(tmp_path, kind):
    path = tmp_path / "without-an-ending"
    path.write_bytes(encoded(kind))

    assert format_of(encoded(kind)) == format_of_file(path) == kind
    assert is_image(path)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", None),  # AVIF shares the box
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", None),  # a film
        (bytes(128) + b"DICM", "DICOM"),
        (b"II*\0" + bytes(124) + b"DICM", "DICOM"),  # slides are often both
        (b"II+\0" + bytes(20), "TIFF"),  # BigTIFF
        (b"BMI,age,sex\n22.5,40,f\n30.1,52,m\n", None),  # a table, not a bitmap
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        (b"", None),
    ],
)
def test_formats_that_share_their_first_letters(head, kind):
    assert format_of(head) == kind


def test_each_ending_of_a_format_that_is_read_is_an_image_name():
    for endings in ENDINGS.values():
        for ending in endings:
            assert has_image_name(f"a{ending.upper()}")
            assert not has_foreign_name(f"a{ending}")
    assert has_foreign_name("a.NII.GZ")
    assert has_foreign_name("a.avif")
    assert not has_foreign_name("notes.txt")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"no image at all", "text, 'no image at all'"),
        (b"%PDF-1.7", "a PDF"),
        (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1", "an AVIF"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000"),
        (encoded("TIFF"), "a TIFF"),
        (bytes(128) + b"DICM", "a DICOM file"),
    ],
)
def test_what_a_file_is_instead_is_said(data, words):
    assert describe(data).startswith(words)


def test_formats_of_extras_are_named_where_their_package_is_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "pydicom" or None)
    assert readable_formats() == ("JPEG", "PNG", "TIFF", "BMP", "WebP", "GIF", "DICOM")
