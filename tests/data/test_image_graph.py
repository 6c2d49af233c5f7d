import io
import random
import struct
import zipfile
import zlib

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from dlmath.data.image_graph import decode, decode_and_resize, decode_and_resize_batch

PNG_MODES = ["1", "L", "LA", "P", "RGB", "RGBA"]
JPEG_MODES = ["L", "RGB"]


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(height, width, mode="RGB", seed=0):
    channels = 3 if mode == "P" else 4  # from four, Pillow makes palettes with an alpha of each
    shape = (height, width, channels)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def by_pillow(data, size=None):
    image = Image.open(io.BytesIO(data))
    if image.format == "JPEG" and size is not None:
        shorter = min(image.size)
        ratio = next(r for r in (8, 4, 2, 1) if shorter >= r * size or r == 1)
        image.draft(None, (image.width // ratio, image.height // ratio))
        assert min(image.size) == -(-shorter // ratio)
    image = ImageOps.exif_transpose(image).convert("RGB")
    if size is not None:
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(image).astype(int)


def levels_from_pillow(data, size):
    ours = decode_and_resize(tf.constant(data), size).numpy().astype(int)
    return abs(ours - by_pillow(data, size)).max()


@pytest.fixture(scope="module")
def in_graph():
    """`decode_and_resize` to 8 x 8 as a graph, which is made once for all tests."""
    return tf.function(lambda data: decode_and_resize(data, 8))


@pytest.mark.parametrize("mode", PNG_MODES)
def test_png_decodes_to_pillows_pixels(mode):
    data = encoded(noise(37, 53, mode), "PNG")

    np.testing.assert_array_equal(decode(tf.constant(data)), by_pillow(data))


def test_alpha_is_left_out_and_the_colour_below_stays():
    image = Image.new("RGBA", (2, 1), (200, 100, 50, 0))
    image.putpixel((1, 0), (10, 20, 30, 128))

    decoded = decode(tf.constant(encoded(image, "PNG")))

    np.testing.assert_array_equal(decoded, [[[200, 100, 50], [10, 20, 30]]])


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_every_depth_and_with_a_transparent_colour_decode_like_pillow(bits):
    image = noise(21, 34).quantize(2**bits)
    data = encoded(image, "PNG", bits=bits, transparency=1)

    np.testing.assert_array_equal(decode(tf.constant(data)), by_pillow(data))


@pytest.mark.parametrize("mode", JPEG_MODES)
@pytest.mark.parametrize(
    "options",
    [{}, {"quality": 20}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}],
    ids=str,
)
def test_jpeg_decodes_to_pillows_pixels(mode, options):
    data = encoded(noise(45, 62, mode), "JPEG", **options)

    np.testing.assert_array_equal(decode(tf.constant(data)), by_pillow(data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("code", range(1, 9))
def test_the_orientation_is_applied(kind, code):
    tag = Image.Exif()
    tag[0x0112] = code
    data = encoded(noise(30, 50), kind, exif=tag)

    np.testing.assert_array_equal(decode(tf.constant(data)), by_pillow(data))


@settings(max_examples=60)
@given(
    height=st.integers(1, 400),
    width=st.integers(1, 400),
    size=st.integers(8, 256),
    kind_and_mode=st.sampled_from(
        [("PNG", mode) for mode in PNG_MODES] + [("JPEG", mode) for mode in JPEG_MODES]
    ),
    seed=st.integers(0, 1_000),
)
def test_resized_pixels_are_within_a_level_of_pillows(height, width, size, kind_and_mode, seed):
    kind, mode = kind_and_mode
    data = encoded(noise(height, width, mode, seed), kind)

    assert levels_from_pillow(data, size) <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 3_000), (3_000, 1), (2_500, 40), (900, 2_100)])
@pytest.mark.parametrize("size", [8, 224])
def test_extreme_shapes_are_within_a_level_of_pillows(shape, size):
    # Only black and white: rounding between the passes shows most there.
    assert levels_from_pillow(encoded(noise(*shape, "1"), "PNG"), size) <= 1


@pytest.mark.parametrize("mode", JPEG_MODES)
@pytest.mark.parametrize("ratio", [1, 2, 4, 8])
@pytest.mark.parametrize("spare", [-1, 0, 3])
def test_a_large_jpeg_is_decoded_at_a_reduced_scale(mode, ratio, spare):
    height, width = 20 * ratio + spare, 53 * ratio
    data = encoded(noise(height, width, mode), "JPEG")
    used = ratio if spare >= 0 else max(ratio // 2, 1)

    found = decode_and_resize(tf.constant(data), 20).numpy().astype(int)

    reduced = tf.io.decode_jpeg(data, 3, used, dct_method="INTEGER_ACCURATE").numpy()
    expected = Image.fromarray(reduced).resize((20, 20), Image.Resampling.BILINEAR)
    assert abs(found - np.asarray(expected)).max() <= 1


def test_a_large_png_is_not_reduced():
    data = encoded(noise(160, 200), "PNG")

    expected = Image.open(io.BytesIO(data)).resize((20, 20), Image.Resampling.BILINEAR)
    found = decode_and_resize(tf.constant(data), 20).numpy().astype(int)
    assert abs(found - np.asarray(expected)).max() <= 1


def test_downsizing_averages_over_all_pixels():
    """Without antialiasing a striped image would come out black or white."""
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255

    small = decode_and_resize(tf.constant(encoded(Image.fromarray(stripes), "PNG")), 8)

    np.testing.assert_allclose(small, 127.5, atol=20)  # at the border the filter is cut


def test_an_image_of_the_right_size_keeps_its_pixels():
    data = encoded(noise(32, 32), "PNG")

    np.testing.assert_array_equal(decode_and_resize(tf.constant(data), 32), by_pillow(data))


class _Exported(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def pixels(self, images):
        return decode_and_resize_batch(images, 20)


@pytest.mark.slow
def test_eager_map_batch_and_saved_model_agree(tmp_path):
    tag = Image.Exif()
    tag[0x0112] = 6
    files = [
        encoded(noise(30, 41, seed=1), "JPEG", exif=tag),
        encoded(noise(8, 9, "LA", seed=2), "PNG"),
        encoded(noise(64, 20, "L", seed=3), "JPEG"),
    ]
    tf.saved_model.save(_Exported(), str(tmp_path))

    one_by_one = np.stack([decode_and_resize(tf.constant(data), 20) for data in files])
    mapped = tf.data.Dataset.from_tensor_slices(files).map(lambda data: decode_and_resize(data, 20))
    exported = tf.saved_model.load(str(tmp_path)).pixels(tf.constant(files))

    assert one_by_one.shape == (3, 20, 20, 3)
    assert mapped.element_spec == tf.TensorSpec((20, 20, 3), tf.uint8)
    np.testing.assert_array_equal(np.stack(list(mapped.as_numpy_iterator())), one_by_one)
    np.testing.assert_array_equal(decode_and_resize_batch(tf.constant(files), 20), one_by_one)
    np.testing.assert_array_equal(exported, one_by_one)


def test_no_file_retraces_the_graph(in_graph):
    for side in (3, 9, 50):
        in_graph(tf.constant(encoded(noise(side, side + 1), "JPEG")))
        in_graph(tf.constant(encoded(noise(side, side + 1, "L"), "PNG")))

    assert in_graph.experimental_get_tracing_count() == 1


def claiming_png(width, height, bits):
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))


def claiming_jpeg():
    """A small JPEG whose frame header says 65,500 x 65,500."""
    data = encoded(noise(8, 8), "JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", 65_500, 65_500) + data[at + 4 :]


BAD_FILES = {
    "empty": (b"", "PNG or a JPEG"),
    "text": (b"no image at all", "PNG or a JPEG"),
    "gif": (encoded(noise(8, 8), "GIF"), "PNG or a JPEG"),
    "cut jpeg": (encoded(noise(64, 64), "JPEG")[:-900], "Invalid JPEG"),
    "cut png": (encoded(noise(64, 64), "PNG")[:-900], "Invalid PNG"),
    "cut png header": (encoded(noise(64, 64), "PNG")[:12], "breaks off"),
    "deep png": (claiming_png(5, 5, 16), "8 bits"),
    "png bomb": (claiming_png(20_000, 20_000, 8), "100000000 pixels"),
    "jpeg bomb": (claiming_jpeg(), "100000000 pixels"),
    "cmyk": (encoded(noise(8, 8, "CMYK"), "JPEG"), "CMYK"),
}


@pytest.mark.parametrize(("data", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_is_an_error_in_the_graph_and_eagerly(in_graph, data, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decode_and_resize(tf.constant(data), 8)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        in_graph(tf.constant(data))


def members(archive):
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if not name.endswith("/"):
                yield name, opened.read(name)


def real_archives(folder):
    archives = sorted(folder.rglob("*.zip"))
    assert len(archives) >= 5, "the folder of real images is not whole"
    return archives


@pytest.mark.real_data
def test_real_originals_and_a_sample_are_within_a_level_of_pillows(shared_data):
    for archive in real_archives(shared_data):
        files = dict(members(archive))
        names = sorted(files) if len(files) <= 30 else random.Random(0).sample(sorted(files), 30)
        for name in names:
            assert levels_from_pillow(files[name], 224) <= 1, name


@pytest.mark.slow
@pytest.mark.real_data
def test_every_real_image_is_within_a_level_of_pillows(shared_data):
    read = tf.function(lambda data: decode_and_resize(data, 224), autograph=False)
    for archive in real_archives(shared_data):
        for name, data in members(archive):
            difference = abs(read(tf.constant(data)).numpy().astype(int) - by_pillow(data, 224))
            assert difference.max() <= 1, name
