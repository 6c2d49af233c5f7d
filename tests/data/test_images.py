"""Reading by Pillow gives the pixels of the TensorFlow graph, and its limits hold."""

import io
import itertools
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dlmath.data import image_graph, images
from dlmath.data.image_headers import BadImage
from dlmath.errors import DataError

PNG_MODES = ["1", "L", "LA", "P", "RGB", "RGBA"]
JPEG_MODES = ["L", "RGB"]
KINDS = [("PNG", mode) for mode in PNG_MODES] + [("JPEG", mode) for mode in JPEG_MODES]


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(height, width, mode="RGB", seed=0):
    channels = 3 if mode == "P" else 4
    shape = (height, width, channels)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def levels_apart(data, size, graph=image_graph.decode_and_resize):
    ours = images.read(data, "one", size)
    theirs = graph(tf.constant(data), size).numpy()
    assert ours.shape == theirs.shape == (size, size, 3)
    assert ours.dtype == theirs.dtype == np.uint8
    return np.abs(ours.astype(int) - theirs).max()


@settings(max_examples=80)
@given(
    height=st.integers(1, 500),
    width=st.integers(1, 500),
    size=st.integers(1, 128),
    kind_and_mode=st.sampled_from(KINDS),
    code=st.integers(1, 8),
    seed=st.integers(0, 1_000),
)
def test_every_kind_of_image_is_within_a_level(height, width, size, kind_and_mode, code, seed):
    kind, mode = kind_and_mode
    tag = Image.Exif()
    tag[0x0112] = code
    data = encoded(noise(height, width, mode, seed), kind, exif=tag)

    assert levels_apart(data, size) <= 1


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"subsampling": 1}])
@pytest.mark.parametrize("ratio", [1, 2, 4, 8])
def test_where_the_reduced_scale_is_the_size_the_pixels_are_equal(options, ratio):
    data = encoded(noise(24 * ratio, 24 * ratio), "JPEG", **options)

    assert levels_apart(data, 24) == 0


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_every_depth_and_with_a_transparent_colour_are_equal(bits):
    data = encoded(noise(30, 30).quantize(2**bits), "PNG", bits=bits, transparency=1)

    assert levels_apart(data, 30) == 0


def spoilt_files():
    jpeg, png = encoded(noise(40, 40), "JPEG"), encoded(noise(40, 40), "PNG")
    return {
        "empty": b"",
        "text": b"no image at all",
        "cut jpeg": jpeg[: len(jpeg) // 2],
        "cut png": png[: len(png) // 2],
        "jpeg without its last byte": jpeg[:-1],
        "png without its last byte": png[:-1],
        "cut header": png[:20],
        "png of another checksum": png[:-20] + bytes([png[-20] ^ 1]) + png[-19:],
    }


@pytest.mark.parametrize("data", spoilt_files().values(), ids=spoilt_files().keys())
def test_what_the_graph_refuses_is_an_error_that_names_the_file(tmp_path, data):
    path = tmp_path / "bad"
    path.write_bytes(data)

    with pytest.raises(tf.errors.InvalidArgumentError):
        image_graph.decode_and_resize(tf.constant(data), 8)
    with pytest.raises(DataError, match="^one: "):
        images.read(path, "one", 8)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"^one: cannot be read \(No such file"):
        images.read(tmp_path / "nowhere.png", "one", 8)


def test_bytes_are_read_as_their_file(tmp_path):
    path = tmp_path / "image.jpeg"
    path.write_bytes(encoded(noise(50, 70), "JPEG"))

    np.testing.assert_array_equal(
        images.read(path.read_bytes(), "one", 24), images.read(path, "one", 24)
    )
    assert images.read_upright(path, "one").size == (70, 50)


@pytest.mark.parametrize("of_bytes", [True, False], ids=["bytes", "a file"])
@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (images.ReadLimits(file_bytes=2**20), "one: an image file may have 1 MiB. Received: 3 MiB"),
        (
            images.ReadLimits(pixels=1_000_000),
            "one: an image may have 1 megapixels. Received: 1000 x 1001 pixels",
        ),
    ],
    ids=["bytes", "pixels"],
)
def test_what_exceeds_the_limits_is_not_decoded(tmp_path, monkeypatch, limits, message, of_bytes):
    path = tmp_path / "large.png"
    path.write_bytes(encoded(noise(1001, 1000, "RGB"), "PNG"))
    monkeypatch.setattr(images, "_decode", lambda *_: pytest.fail("decoded"))

    with pytest.raises(BadImage) as caught:
        images.read(path.read_bytes() if of_bytes else path, "one", 8, limits)

    assert (str(caught.value), caught.value.kind) == (message, "oversized")


def test_a_dicom_file_over_the_limit_is_not_decoded(tmp_path, monkeypatch):
    path = Path(pydicom.data.get_testdata_file("CT_small.dcm"))  # 128 x 128
    monkeypatch.setattr("dlmath.data.dicom_pixels._shades", lambda *_: pytest.fail("decoded"))

    with pytest.raises(BadImage, match="0.01 million pixels. Received: 128 x 128"):
        images.read(path, "one", 8, images.ReadLimits(pixels=10_000))


def test_it_loads_no_tensorflow(tmp_path):
    path = tmp_path / "image.png"
    path.write_bytes(encoded(noise(9, 9), "PNG"))
    program = (
        "import sys, pathlib\n"
        "from dlmath.data import images\n"
        "assert images.read(pathlib.Path(sys.argv[1]), 'one', 4).shape == (4, 4, 3)\n"
        "print(sorted({'tensorflow', 'keras', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def real_files(folder, step):
    """Every `step`-th image of each archive, and all of an archive of few."""
    archives = sorted(folder.rglob("*.zip"))
    assert len(archives) >= 5, "the folder of real images is not whole"
    for archive in archives:
        with zipfile.ZipFile(archive) as opened:
            names = [name for name in opened.namelist() if not name.endswith("/")]
            for name in itertools.islice(names, 0, None, step if len(names) > 30 else 1):
                yield name, opened.read(name)


@pytest.mark.real_data
@pytest.mark.parametrize("step", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_real_images_are_within_a_level(shared_data, step):
    graph = tf.function(image_graph.decode_and_resize, autograph=False)
    for name, data in real_files(shared_data, step):
        assert levels_apart(data, 224, graph) <= 1, name
