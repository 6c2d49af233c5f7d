"""The one specification of decoding and resizing, in TensorFlow operations alone.

The exported graph reads an image this way, which is described in `dlmath.data.specification`.
TensorFlow's default decoding of JPEG is up to 18 levels off, and its resizing without antialiasing
up to 93; with both set as here, the pixels are within a level of Pillow's, which rounds to whole
levels between its two passes of resizing.
"""

from contextlib import AbstractContextManager
from functools import partial

import tensorflow as tf

from dlmath.data import exif
from dlmath.data.image_headers import JPEG_SIGNATURE, PIXEL_LIMIT, PNG_SIGNATURE, check_image
from dlmath.data.specification import REDUCTIONS, SPECIFICATION

__all__ = ["SPECIFICATION", "check_image", "decode", "decode_and_resize", "decode_and_resize_batch"]


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
    return exif.turn_upright(image, exif.orientation(encoded, is_png))


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
        shape = tf.io.extract_jpeg_shape(encoded, tf.int64)  # reads the header alone
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
