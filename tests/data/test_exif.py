"""Held to the form in TensorFlow operations, which is held to Pillow in test_exif.py."""

import io
import struct

import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from dlmath.data import image_graph
from dlmath.data.exif import orientation

_BY_TENSORFLOW = tf.function(image_graph.orientation)
STARTS = {
    "jpeg": b"\xff\xd8",
    "jpeg exif": b"\xff\xd8\xff\xe1\x00\x40Exif\0\0",
    "png": b"\x89PNG\r\n\x1a\n",
    "png exif": b"\x89PNG\r\n\x1a\n\x00\x00\x00\x30eXIf",
}


def by_tensorflow(data):
    is_png = data.startswith(b"\x89PNG")
    return int(_BY_TENSORFLOW(tf.constant(data), tf.constant(is_png)))


def directory(sign, *entries):
    """A TIFF block of one directory of (tag, type, value)."""
    mark = b"II" if sign == "<" else b"MM"
    table = b"".join(
        struct.pack(sign + "HHIHH", tag, kind, 1, value, 0) for tag, kind, value in entries
    )
    return mark + struct.pack(sign + "HIH", 42, 8, len(entries)) + table


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("code", range(1, 9))
def test_what_pillow_wrote_is_read(kind, code):
    tag, stream = Image.Exif(), io.BytesIO()
    tag[0x0112] = code
    Image.new("RGB", (4, 3)).save(stream, kind, exif=tag)

    assert orientation(stream.getvalue()) == code


def test_a_file_without_the_tag_is_upright():
    stream = io.BytesIO()
    Image.new("RGB", (4, 3)).save(stream, "JPEG")

    assert orientation(stream.getvalue()) == 1


entries = st.tuples(
    st.sampled_from([0x010F, 0x0112, 0x0113]), st.sampled_from([2, 3, 4]), st.integers(0, 10)
)


@settings(max_examples=100)
@given(
    start=st.sampled_from(["jpeg exif", "png exif"]),
    sign=st.sampled_from("<>"),
    entries=st.lists(entries, max_size=3),
    cut=st.integers(0, 12),
)
def test_directories_whole_and_cut_are_read_as_in_the_graph(start, sign, entries, cut):
    block = directory(sign, *entries)
    data = STARTS[start] + block[: len(block) - cut]

    assert orientation(data) == by_tensorflow(data)


# Lengths that a reader of bytes may stumble over: none, too short for itself, negative as int32.
@example(start="jpeg exif", rest=b"\xff\xe1\x00\x08Exif\0\0" + bytes(9))
@example(start="jpeg", rest=b"\xff\xe1\x00\x08Exif\0\0" + b"\xff\xe1\x00\x20Exif\0\0" + bytes(9))
@example(start="jpeg", rest=b"\xff\xe1\x00\x02Exif\0\0" + bytes(9))
@example(start="png", rest=b"\xff\xff\xff\xf0eXIf" + bytes(20))
@example(start="png", rest=b"\x00\x00\x00\x00eXIf" + bytes(20))
@settings(max_examples=150)
@given(start=st.sampled_from(sorted(STARTS)), rest=st.binary(max_size=80))
def test_any_bytes_are_read_as_in_the_graph(start, rest):
    data = STARTS[start] + rest

    assert orientation(data) == by_tensorflow(data)
