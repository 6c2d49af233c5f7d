"""The one specification of decoding and resizing, in TensorFlow operations alone.

Training, evaluation, prediction and the exported graph all read an image this way:

1. PNG or JPEG by the first bytes; JPEG by the accurate integer DCT, which gives Pillow's pixels
   bit for bit (TensorFlow's default is up to 18 levels off).
2. Grey becomes three equal channels, a palette its colours; alpha is left out and the colours
   below it stay as stored, which is what Pillow's `convert("RGB")` does.
3. The EXIF orientation is applied.
4. Antialiased bilinear resizing to a square, the aspect ratio not kept, rounded to uint8: within
   one level of Pillow's, which rounds to whole levels between its two passes.
"""

from contextlib import AbstractContextManager

import tensorflow as tf

from dlmath.data import exif
from dlmath.data.image_headers import JPEG_SIGNATURE, PIXEL_LIMIT, PNG_SIGNATURE, check_image

__all__ = ["SPECIFICATION", "check_image", "decode", "decode_and_resize", "decode_and_resize_batch"]

# Part of cache keys and manifests: change it whenever a pixel could come out otherwise.
SPECIFICATION = "islow-exif-triangle-1"


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
    image = decode(encoded)
    # At scale 1 the filter is the identity, so files of the right size skip a third of the work.
    is_there = tf.reduce_all(tf.shape(image)[:2] == size)
    image = tf.cond(is_there, lambda: image, lambda: _resize(image, size))
    return tf.ensure_shape(image, (size, size, 3))


def decode_and_resize_batch(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Decode and resize N files, string (N,), to uint8 (N, size, size, 3)."""
    return tf.map_fn(
        lambda one: decode_and_resize(one, size),
        encoded,
        fn_output_signature=tf.TensorSpec((size, size, 3), tf.uint8),
    )


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """Decode one PNG or JPEG file, a string scalar, to upright uint8 (H, W, 3)."""
    is_png = tf.equal(tf.strings.substr(encoded, 0, len(PNG_SIGNATURE)), PNG_SIGNATURE)
    image = tf.cond(is_png, lambda: _decode_png(encoded), lambda: _decode_jpeg(encoded))
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


def _decode_jpeg(encoded: tf.Tensor) -> tf.Tensor:
    is_jpeg = tf.equal(tf.strings.substr(encoded, 0, len(JPEG_SIGNATURE)), JPEG_SIGNATURE)
    with _require(tf.debugging.Assert(is_jpeg, ["An image must be a PNG or a JPEG file."])):
        shape = tf.io.extract_jpeg_shape(encoded, tf.int64)  # reads the header alone
    with _require(
        tf.debugging.Assert(shape[2] != 4, ["A JPEG must be grey or RGB, not CMYK."]),
        _assert_size(shape[0], shape[1]),
    ):
        return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def _assert_size(height: tf.Tensor, width: tf.Tensor) -> tf.Operation | None:
    message = f"An image may have {PIXEL_LIMIT} pixels; height and width are"
    return tf.debugging.Assert(height * width <= PIXEL_LIMIT, [message, height, width])


def _require(*assertions: tf.Operation | None) -> AbstractContextManager[None]:
    """Hold back what is inside until the assertions passed; eager ones are None, and past."""
    return tf.control_dependencies([one for one in assertions if one is not None])
