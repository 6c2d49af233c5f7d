import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from dlmath.data.image_headers import check_image
from dlmath.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png_claiming(width, height, *, bits=8, colour=2):
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))


def jpeg_claiming(width, height, *, bits=8, channels=3):
    frame = struct.pack(">BHHB", bits, height, width, channels) + bytes(3 * channels)
    return b"\xff\xd8\xff\xfe\x00\x04hi\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_pngs_of_eight_bits_or_fewer_pass(mode):
    check_image(encoded(Image.fromarray(PIXELS).convert(mode), "PNG"), "cell.png")


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"comment": b"x" * 300}])
def test_grey_and_rgb_jpegs_pass(mode, options):
    check_image(encoded(Image.fromarray(PIXELS).convert(mode), "JPEG", **options), "chest.jpg")


def test_a_fill_byte_before_a_marker_passes():
    whole = jpeg_claiming(10, 10)

    check_image(whole[:8] + b"\xff" + whole[8:], "chest.jpg")


def animation():
    frames = [Image.fromarray(PIXELS), Image.fromarray(255 - PIXELS)]
    return encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty file"),
        (b"no image at all\n", "text, 'no image at all"),
        (bytes(range(20)), "neither a PNG nor a JPEG"),
        (encoded(Image.fromarray(PIXELS), "GIF"), "a GIF"),
        (encoded(Image.fromarray(PIXELS), "BMP"), "a BMP"),
        (encoded(Image.fromarray(PIXELS), "TIFF"), "a TIFF"),
        (bytes(128) + b"DICM" + bytes(20), "a DICOM file"),
        (encoded(Image.fromarray(PIXELS), "PNG")[:20], "breaks off"),
        (encoded(Image.fromarray(PIXELS), "JPEG")[:30], "breaks off"),
        (png_claiming(20_000, 20_000), "20000 x 20000"),
        (jpeg_claiming(65_500, 65_500), "65500 x 65500"),
        (png_claiming(0, 5), "must have pixels"),
        (jpeg_claiming(5, 0), "must have pixels"),
        (png_claiming(5, 5, bits=16, colour=0), "16 bits"),
        (jpeg_claiming(5, 5, bits=12), "12 bits"),
        (png_claiming(5, 5, colour=5), "damaged"),
        (encoded(Image.fromarray(PIXELS).convert("CMYK"), "JPEG"), "CMYK"),
        (animation(), "an animation"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused_in_one_line(data, message):
    with pytest.raises(DataError) as error:
        check_image(data, "scan_7.jpg")

    text = str(error.value)
    assert message in text
    assert text.startswith("scan_7.jpg: ")
    assert "\n" not in text


def test_the_limit_of_pixels_itself_passes():
    check_image(png_claiming(10_000, 10_000), "large.png")

    with pytest.raises(DataError, match="100 megapixels"):
        check_image(png_claiming(10_000, 10_001), "larger.png")
