r"""Decode and resize image files in TensorFlow operations, for the graphs of exports.

It follows `dlmath.data.specification`, as `dlmath.data.images` does in Pillow. TensorFlow's default
decoding of JPEG is up to 18 levels off, and its resizing without antialiasing up to 93; with both
set as here, the pixels are within a level of Pillow's, which rounds to whole levels between its two
passes of resizing.

The orientation of a photograph stands in its EXIF block, a small TIFF file: in JPEG it lies in an
APP1 segment after `Exif\0\0`, in PNG in an eXIf chunk. Its first directory may hold tag 0x0112,
Orientation, a number from 1 to 8 that says how the stored rows and columns lie to the viewer.

Source: CIPA DC-008 (Exif 2.32), sections 4.5.4 and 4.6.4, table 4 A.
"""

from contextlib import AbstractContextManager
from functools import partial

import tensorflow as tf

from dlmath.data.image_headers import JPEG_SIGNATURE, PIXEL_LIMIT, PNG_SIGNATURE
from dlmath.data.specification import REDUCTIONS

_ORIENTATION = 0x0112
_SHORT = 3  # the TIFF type of the tag, an unsigned 16-bit number
_ENTRY = 12  # bytes: tag (2), type (2), count (4), value (4)

_BIG_16 = [2**8, 1]
_BIG_32 = [2**24, 2**16, 2**8, 1]


# AutoGraph has nothing to convert here, and takes seconds to find that out.
@tf.autograph.experimental.do_not_convert
def decode_and_resize(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Decode one PNG or JPEG file and resize it to a square.

    Args:
        encoded: The file, a string scalar.
        size: Side of the square in pixels.

    Returns:
        uint8 (size, size, 3), RGB.

    Raises:
        tf.errors.InvalidArgumentError: It is not a whole PNG or JPEG file that `check_image`
            would pass.
    """
    image = _decode(encoded, size)
    # At scale 1 the filter is the identity, so files of the right size skip a third of the work.
    is_there = tf.reduce_all(tf.shape(image)[:2] == size)
    image = tf.cond(is_there, lambda: image, lambda: _resize(image, size))
    return tf.broadcast_to(image, (size, size, 3))


def decode_and_resize_batch(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Decode and resize N files, string (N,), to uint8 (N, size, size, 3)."""
    return tf.map_fn(
        lambda one: decode_and_resize(one, size),
        encoded,
        fn_output_signature=tf.TensorSpec((size, size, 3), tf.uint8),
    )


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """Decode one PNG or JPEG file, a string scalar, to upright uint8 (H, W, 3) of its own size."""
    image = _decode(encoded)
    return tf.broadcast_to(image, (*tf.unstack(tf.shape(image)[:2]), 3))


def _decode(encoded: tf.Tensor, size: int | None = None) -> tf.Tensor:
    """Return upright (H, W, C), as large as resizing to `size` asks for.

    A grey JPEG keeps its one channel until the end, which is a third of the work.
    """
    is_png = tf.equal(tf.strings.substr(encoded, 0, len(PNG_SIGNATURE)), PNG_SIGNATURE)
    image = tf.cond(is_png, lambda: _decode_png(encoded), lambda: _decode_jpeg(encoded, size))
    return turn_upright(image, orientation(encoded, is_png))


def _resize(image: tf.Tensor, size: int) -> tf.Tensor:
    resized = tf.image.resize(image, (size, size), antialias=True)  # float32
    # Half to even, unlike Pillow's half up: a tie is one level apart at most.
    return tf.cast(tf.round(resized), tf.uint8)


def _decode_png(encoded: tf.Tensor) -> tf.Tensor:
    is_whole = tf.strings.length(encoded) >= 25
    with _require(tf.debugging.Assert(is_whole, ["The file breaks off inside its header."])):
        header = tf.cast(tf.io.decode_raw(tf.strings.substr(encoded, 16, 9), tf.uint8), tf.int64)
    place_values = tf.constant([2**24, 2**16, 2**8, 1], tf.int64)
    width = tf.reduce_sum(header[:4] * place_values)
    height = tf.reduce_sum(header[4:8] * place_values)
    bits = header[8]
    with _require(
        tf.debugging.Assert(bits <= 8, ["A PNG may have 8 bits a sample, not", bits]),
        _assert_size(height, width),
    ):
        return tf.io.decode_png(encoded, channels=3)


def _decode_jpeg(encoded: tf.Tensor, size: int | None) -> tf.Tensor:
    """Decode at the reduced scale for `size`, or in full, to as many channels as the file has."""
    is_jpeg = tf.equal(tf.strings.substr(encoded, 0, len(JPEG_SIGNATURE)), JPEG_SIGNATURE)
    with _require(
        tf.debugging.Assert(is_jpeg, ["An image must be a PNG or a JPEG file; convert others."])
    ):
        shape = tf.io.extract_jpeg_shape(encoded, tf.int64)  # reads only the header
    is_grey_or_rgb = tf.reduce_any(shape[2] == (1, 3))
    with _require(
        tf.debugging.Assert(is_grey_or_rgb, ["A JPEG must be grey or RGB, not CMYK."]),
        _assert_size(shape[0], shape[1]),
    ):
        if size is None:
            return tf.io.decode_jpeg(encoded, dct_method="INTEGER_ACCURATE")
        # The ratio is an attribute of the operation, not an input: one operation for each.
        decoders = [
            partial(tf.io.decode_jpeg, encoded, ratio=ratio, dct_method="INTEGER_ACCURATE")
            for ratio in REDUCTIONS
        ]
        return tf.switch_case(_reduction_index(shape, size), decoders)


def _reduction_index(shape: tf.Tensor, size: int) -> tf.Tensor:
    """Return the index in REDUCTIONS of what `dlmath.data.specification.reduction` returns."""
    leaves_enough = tf.reduce_min(shape[:2]) >= tf.constant(REDUCTIONS[1:], tf.int64) * size
    return tf.reduce_sum(tf.cast(leaves_enough, tf.int32))


def _assert_size(height: tf.Tensor, width: tf.Tensor) -> tf.Operation | None:
    message = f"An image may have {PIXEL_LIMIT} pixels; height and width are"
    return tf.debugging.Assert(height * width <= PIXEL_LIMIT, [message, height, width])


def _require(*assertions: tf.Operation | None) -> AbstractContextManager[None]:
    """Hold back what is inside until the assertions passed; eager ones are None, and past."""
    return tf.control_dependencies([one for one in assertions if one is not None])


def orientation(encoded: tf.Tensor, is_png: tf.Tensor) -> tf.Tensor:
    """Return the EXIF orientation of a PNG or JPEG file, 1 (upright) where it says none.

    Args:
        encoded: The file, a string scalar.
        is_png: Whether it is a PNG rather than a JPEG, a bool scalar.

    Returns:
        A number from 1 to 8, an int32 scalar. A damaged block counts as none.
    """
    block = tf.cond(is_png, lambda: _png_block(encoded), lambda: _jpeg_block(encoded))
    return tf.cond(
        tf.strings.length(block) >= 8, lambda: _tiff_orientation(block), lambda: tf.constant(1)
    )


def turn_upright(image: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
    """Undo an EXIF orientation.

    Args:
        image: (H, W, C), as stored.
        code: 1 to 8, an int32 scalar.

    Returns:
        (H, W, C), or (W, H, C) for the codes from 5 on.
    """
    turns = [
        lambda: image,  # 1
        lambda: image[:, ::-1],  # 2: mirrored left to right
        lambda: image[::-1, ::-1],  # 3: upside down
        lambda: image[::-1],  # 4: mirrored top to bottom
        lambda: tf.transpose(image, (1, 0, 2)),  # 5
        lambda: tf.transpose(image, (1, 0, 2))[:, ::-1],  # 6: turn by 90 degrees clockwise
        lambda: tf.transpose(image, (1, 0, 2))[::-1, ::-1],  # 7
        lambda: tf.transpose(image, (1, 0, 2))[::-1],  # 8: turn by 90 degrees anticlockwise
    ]
    return tf.switch_case(code - 1, turns)


def _jpeg_block(encoded: tf.Tensor) -> tf.Tensor:
    """Walk the segments of metadata; the TIFF block, or an empty string.

    The standard puts APP1 right after the start of the image, so the walk ends at the first
    segment that is neither an application's (APP0-APP15) nor a comment.
    """
    end = tf.strings.length(encoded)

    def is_header(position: tf.Tensor, block: tf.Tensor) -> tf.Tensor:
        # Every index is below `end`: 10 bytes are the head of a segment and "Exif\0\0".
        return tf.logical_and(position + 10 <= end, tf.equal(block, b""))

    def step(position: tf.Tensor, block: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        head = _bytes(encoded, position, 4)
        marker, length = head[1], _number(head[2:], _BIG_16)
        is_exif = (marker == 0xE1) & tf.equal(
            tf.strings.substr(encoded, position + 4, 6), b"Exif\0\0"
        )
        block = tf.where(is_exif, tf.strings.substr(encoded, position + 10, length - 8), b"")
        is_fill = marker == 0xFF
        is_metadata = (marker >= 0xE0) & (marker <= 0xEF) | (marker == 0xFE) | is_fill
        after = tf.where(is_fill, position + 1, position + 2 + length)
        return tf.where((head[0] == 0xFF) & is_metadata, after, end), block

    return tf.while_loop(is_header, step, (tf.constant(2), tf.constant(b"")))[1]


def _png_block(encoded: tf.Tensor) -> tf.Tensor:
    """Walk the chunks that come before the pixels; the TIFF block, or an empty string."""
    end = tf.strings.length(encoded)

    def is_header(position: tf.Tensor, block: tf.Tensor) -> tf.Tensor:
        return tf.logical_and(position + 8 <= end, tf.equal(block, b""))

    def step(position: tf.Tensor, block: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # A length above 2^31 wraps to a negative number; the file is damaged then.
        length = tf.maximum(_number(_bytes(encoded, position, 4), _BIG_32), 0)
        kind = tf.strings.substr(encoded, position + 4, 4)
        block = tf.where(
            tf.equal(kind, b"eXIf"), tf.strings.substr(encoded, position + 8, length), b""
        )
        return tf.where(tf.equal(kind, b"IDAT"), end, position + 12 + length), block

    return tf.while_loop(is_header, step, (tf.constant(8), tf.constant(b"")))[1]


def _tiff_orientation(block: tf.Tensor) -> tf.Tensor:
    """Read the orientation from a TIFF block of at least 8 bytes."""
    size = tf.strings.length(block)
    is_little = tf.equal(tf.strings.substr(block, 0, 2), b"II")
    weights_16 = tf.where(is_little, _BIG_16[::-1], _BIG_16)
    weights_32 = tf.where(is_little, _BIG_32[::-1], _BIG_32)
    directory = _number(_bytes(block, 4, 4), weights_32)

    def read() -> tf.Tensor:
        claimed = _number(_bytes(block, directory, 2), weights_16)
        count = tf.minimum(claimed, (size - directory - 2) // _ENTRY)
        table = tf.reshape(_bytes(block, directory + 2, _ENTRY * count), (-1, _ENTRY))
        tags, types, values = (_number(table[:, at : at + 2], weights_16) for at in (0, 2, 8))
        is_wanted = (tags == _ORIENTATION) & (types == _SHORT) & (values >= 1) & (values <= 8)
        return tf.maximum(tf.reduce_max(tf.where(is_wanted, values, 1)), 1)  # empty table: minimum

    is_inside = (directory >= 8) & (directory + 2 <= size)
    return tf.cond(is_inside, read, lambda: tf.constant(1))


def _bytes(string: tf.Tensor, start: tf.Tensor | int, count: tf.Tensor | int) -> tf.Tensor:
    """Return `count` bytes as int32 numbers."""
    return tf.cast(tf.io.decode_raw(tf.strings.substr(string, start, count), tf.uint8), tf.int32)


def _number(digits: tf.Tensor, weights: tf.Tensor | list[int]) -> tf.Tensor:
    """Read bytes along the last axis as one unsigned number."""
    return tf.reduce_sum(digits * weights, axis=-1)
