import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from dlmath.data import image_graph

RAW = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 14


def tiff_block(code, byte_order, *, tag=0x0112, kind=3):
    """An EXIF block with a foreign tag first, then the orientation."""
    mark, sign = {"little": (b"II", "<"), "big": (b"MM", ">")}[byte_order]
    make = struct.pack(sign + "HHI4s", 0x010F, 2, 4, b"abc\0")
    entry = struct.pack(sign + "HHIHH", tag, kind, 1, code, 0)
    return mark + struct.pack(sign + "HIH", 42, 8, 2) + make + entry + bytes(4)


def segment(marker, payload):
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def jpeg_with(*segments):
    """A JPEG whose start of image is followed by `segments`."""
    stream = io.BytesIO()
    Image.fromarray(RAW).save(stream, "JPEG")
    return stream.getvalue()[:2] + b"".join(segments) + stream.getvalue()[2:]


def read(encoded, *, is_png=False):
    return int(image_graph.orientation(tf.constant(encoded), tf.constant(is_png)))


@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("code", range(1, 9))
def test_orientation_is_read_in_both_byte_orders(code, byte_order):
    block = tiff_block(code, byte_order)
    png = io.BytesIO()
    Image.fromarray(RAW).save(png, "PNG", exif=block)

    assert read(jpeg_with(segment(0xE1, b"Exif\0\0" + block))) == code
    assert read(png.getvalue(), is_png=True) == code


def test_orientation_is_found_behind_other_metadata_and_fill_bytes():
    found = jpeg_with(
        segment(0xE0, b"JFIF\0" + bytes(9)),
        segment(0xFE, b"a comment"),
        b"\xff\xff",
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
        segment(0xE1, b"Exif\0\0" + tiff_block(6, "big")),
    )

    assert read(found) == 6


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0",
        tiff_block(0, "little"),
        tiff_block(9, "little"),
        tiff_block(6, "little", tag=0x0113),
        tiff_block(6, "little", kind=4),
        tiff_block(6, "little")[:20],
        b"II*\0" + b"\xff" * 40,
        b"MM\0*" + bytes([0, 0, 1, 0]) + bytes(40),
    ],
    ids=["empty", "cut", "0", "9", "other tag", "other type", "cut table", "ones", "outside"],
)
def test_a_damaged_or_foreign_block_counts_as_upright(block):
    assert read(jpeg_with(segment(0xE1, b"Exif\0\0" + block))) == 1


@pytest.mark.parametrize("is_png", [False, True])
@settings(max_examples=60)
@given(data=st.binary(max_size=80))
def test_no_bytes_break_the_reader(is_png, data):
    start = b"\x89PNG\r\n\x1a\n" if is_png else b"\xff\xd8\xff\xe1\x00\x40Exif\0\0"

    assert 1 <= read(start + data, is_png=is_png) <= 8


@pytest.mark.parametrize("code", range(1, 9))
def test_turn_upright_does_as_pillow(code):
    stored = Image.fromarray(RAW)
    stored.getexif()[0x0112] = code

    turned = image_graph.turn_upright(tf.constant(RAW), tf.constant(code))

    np.testing.assert_array_equal(turned, np.asarray(ImageOps.exif_transpose(stored)))
