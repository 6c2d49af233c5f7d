"""Other formats and depths come out with the right values, or are refused by name."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dlmath.data import conversion, images
from dlmath.data.conversion import Wishes, as_png
from dlmath.data.image_headers import BadImage

RANDOM = np.random.default_rng(0)
COLOURS = RANDOM.integers(0, 256, (24, 32, 3), dtype=np.uint8)
TWELVE_BITS = RANDOM.integers(100, 4096, (24, 32)).astype(np.uint16)
# 48 x 32 pixels of four colours, written by libheif.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAA"
    "AAAAACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAAVcAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAA"
    "AA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNw"
    "AAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFz"
    "wIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAADAAAAABAAAAIAAAAAH////wAAAA"
    "Av///+AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAV9tZGF0AAABUygBrwY4Wve238kg"
    "f//1Ox6H9Jf4A6RB0nayWHPN2LCYlOW865yX6BzyPf5vsOP7WF+c+RqqeSKkj8e/bv91/TnL+cZdVfXJL3gL+gWfrbqJAv3/"
    "aUb7b3b/+CkfLtn7WLaoTgf9hryPm+W/BU3KUuUFvZSnrA2Bt2z3yeE//syi/5U////4N2Xa8gAfuAdgyNNDmoi24ks2MY32"
    "vCZd0eqjGpdqeDIlSnlIh8tmjKrZSyU/czrye9N81k6w/Of57+b/+FMphdDmzTnpXNKG8wykksrVf39oQt17gDohoF+c/z38"
    "3/8Kam/vMh4G/Z6umfh3v8vy/F/yB9DJO9bHqSRtiyqHVAKVHIbeTPoOD6ncZS8ADMWhSTjGTURbQaLVm/hzr8vyfFfx94qC"
    "LKh5HffFpLc/6GOEZKLa9FA7kEKmpz9UJ8bmOXmKPfb7aufpRHH8/A=="
)


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def pixels_of(data):
    return np.asarray(images.read_upright(data, "one"))


def tiff(values, *, photometric=1, sample_format=1, big=False, subfile=0, more=()):
    """A TIFF of one strip, written by hand."""
    order = ">" if big else "<"
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    entries = [
        (254, 4, subfile),
        *((256, 3, values.shape[1]), (257, 3, values.shape[0]), (258, 3, 8 * values.itemsize)),
        *((259, 3, 1), (262, 3, photometric), (273, 4, 8), (277, 3, 1), (278, 3, values.shape[0])),
        *((279, 4, len(data)), (339, 3, sample_format), *more),
    ]
    table = struct.pack(f"{order}H", len(entries))
    for tag, kind, value in sorted(entries):
        # A short stands in the first two of the four bytes, in either order.
        field = (
            struct.pack(f"{order}HH", value, 0) if kind == 3 else struct.pack(f"{order}I", value)
        )
        table += struct.pack(f"{order}HHI", tag, kind, 1) + field
    mark = b"MM" if big else b"II"
    return mark + struct.pack(f"{order}HI", 42, 8 + len(data)) + data + table + bytes(4)


def deep_png(values, colour):
    """A PNG of 16 bits, uint16 (H, W) or (H, W, C), written by hand."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0))]
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def windowed(values, low=None, high=None):
    """Shades 0 to 255 from the least to the greatest level, or through a window."""
    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    shade = (values.astype(float) - low) / (high - low)
    return np.rint(255 * shade.clip(0, 1)).astype(np.uint8)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "packbits"}),
        ("BMP", {}),
        ("WebP", {"lossless": True}),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_formats_without_loss_keep_every_pixel(kind, options, mode):
    image = Image.fromarray(COLOURS).convert(mode)
    data = encoded(image, kind, **options)

    expected = np.asarray(image)
    found = pixels_of(data)
    found = found if found.ndim == expected.ndim else found[..., 0]  # WebP has no grey
    np.testing.assert_array_equal(found, expected)
    header = images.open_checked(data, "one").header
    assert (header.format, header.width, header.height, header.bits) == (kind, 32, 24, 8)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_a_palette_becomes_its_colours(kind):
    image = Image.fromarray(COLOURS).quantize(64)

    np.testing.assert_array_equal(pixels_of(encoded(image, kind)), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["TIFF", "WebP"])
def test_alpha_is_left_out_and_the_colours_below_stay(kind):
    image = Image.fromarray(COLOURS)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    options = {"lossless": True, "exact": True} if kind == "WebP" else {}

    np.testing.assert_array_equal(pixels_of(encoded(image, kind, **options)), COLOURS)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_twelve_bits_in_sixteen_go_from_the_least_to_the_greatest_level(kind):
    data = encoded(Image.fromarray(TWELVE_BITS), kind)

    found = pixels_of(data)
    np.testing.assert_array_equal(found, windowed(TWELVE_BITS))
    assert (found.min(), found.max()) == (0, 255)
    assert images.open_checked(data, "one").header.bits == 16


@pytest.mark.parametrize("big", [False, True], ids=["little", "big"])
@pytest.mark.parametrize(
    ("values", "sample_format"),
    [
        (TWELVE_BITS, 1),
        (TWELVE_BITS.astype(np.int16) - 1024, 2),  # as Hounsfield units
        (TWELVE_BITS.astype(np.int32) * 1000 - 5, 2),
        (TWELVE_BITS.astype(np.float32) / 4096 - 0.5, 3),
        ((TWELVE_BITS // 16).astype(np.int16).astype(np.int8), 2),
    ],
    ids=["uint16", "int16", "int32", "float32", "int8"],
)
def test_every_depth_and_sign_of_a_tiff(values, sample_format, big):
    data = tiff(values, sample_format=sample_format, big=big)

    np.testing.assert_array_equal(pixels_of(data), windowed(values))


@pytest.mark.parametrize("values", [COLOURS[..., 0], TWELVE_BITS], ids=["8 bits", "16 bits"])
def test_white_is_zero_is_turned_round(values):
    straight, turned = (pixels_of(tiff(values, photometric=sign)) for sign in (1, 0))

    np.testing.assert_allclose(turned.astype(int), 255 - straight.astype(int), atol=1)


def test_a_flat_deep_picture_is_black():
    assert not pixels_of(tiff(np.full((5, 5), 700, np.uint16))).any()


def test_levels_that_are_no_numbers_are_refused():
    values = np.zeros((4, 4), np.float32)
    values[0, 0] = np.nan
    with pytest.raises(BadImage, match="^one: some of its levels are no numbers"):
        images.read(tiff(values, sample_format=3), "one", 4)


def test_one_far_level_is_doubted():
    values = TWELVE_BITS // 16
    values[0, 0] = 65535

    (doubt,) = images.open_checked(tiff(values), "one").doubts
    assert doubt == (
        "of 235 grey levels only 3 are left in 8 bits, from 6 to 65535: a few far levels take the "
        "range of the others"
    )
    assert images.open_checked(tiff(TWELVE_BITS), "one").doubts == ()


def test_a_window_is_a_wish():
    data = tiff(TWELVE_BITS)

    found = as_png(data, "one", wishes=Wishes(window=(1000, 3000))).data
    np.testing.assert_array_equal(pixels_of(found), windowed(TWELVE_BITS, 1000, 3000))


def test_colours_of_sixteen_bits_are_their_upper_eight():
    low = RANDOM.integers(0, 256, COLOURS.shape).astype(np.uint16)
    data = deep_png(COLOURS.astype(np.uint16) * 256 + low, colour=2)

    np.testing.assert_array_equal(pixels_of(data), COLOURS)


@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (6, 4), (4, 2)])
def test_colours_that_would_be_nearly_black_are_refused(colour, channels):
    values = np.repeat(TWELVE_BITS[:, :, None], channels, axis=2)
    with pytest.raises(BadImage, match=r"^one: its colours of 16 bits use the lowest 12") as caught:
        images.read(deep_png(values, colour), "one", 8)
    assert caught.value.kind == "deep"


# Inks in percent of 255, and the light that they leave: (255 - C) (255 - K) / 255.
@pytest.mark.parametrize(
    ("inks", "light"),
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((0, 0, 0, 255), (0, 0, 0)),
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 128, 255, 0), (255, 127, 0)),
        ((51, 102, 0, 51), (163, 122, 204)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_become_light(kind, inks, light):
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    data = encoded(Image.new("CMYK", (16, 16), inks), kind, **options)

    np.testing.assert_allclose(pixels_of(data)[8, 8], light, atol=2 if kind == "JPEG" else 1)
    assert images.open_checked(data, "one").header.mode == "CMYK"


def turned_files(code):
    tag = Image.Exif()
    tag[0x0112] = code
    colours = Image.fromarray(COLOURS)
    yield "TIFF", encoded(colours, "TIFF", exif=tag)
    yield "LZW", encoded(colours, "TIFF", compression="tiff_lzw", exif=tag)
    yield "WebP", encoded(colours, "WebP", lossless=True, exif=tag)
    yield "16 bits", encoded(Image.fromarray(TWELVE_BITS), "PNG", exif=tag)
    yield "CMYK", encoded(colours.convert("CMYK"), "JPEG", exif=tag)


@pytest.mark.parametrize("code", range(1, 9))
def test_every_format_is_turned_upright(code):
    straight = {name: images.read_upright(data, name) for name, data in turned_files(1)}
    for name, data in turned_files(code):
        expected = straight[name]
        if code in conversion.UPRIGHT:
            expected = expected.transpose(conversion.UPRIGHT[code])
        np.testing.assert_array_equal(pixels_of(data), np.asarray(expected), name)


def animations():
    frames = [Image.fromarray(COLOURS), Image.fromarray(255 - COLOURS)]
    more = {"save_all": True, "append_images": frames[1:]}
    return {
        "GIF": encoded(frames[0], "GIF", **more),
        "WebP": encoded(frames[0], "WebP", lossless=True, **more),
        "PNG": encoded(frames[0], "PNG", **more),
        "TIFF": encoded(frames[0], "TIFF", **more),
    }


@pytest.mark.parametrize("kind", animations())
def test_only_the_first_frame_that_is_asked_for_is_taken(kind):
    data = animations()[kind]
    with pytest.raises(BadImage, match="dlmath data convert --first-frame") as caught:
        images.read(data, "one", 8)
    assert caught.value.kind == "animated"

    first = pixels_of(as_png(data, "one", wishes=Wishes(first_frame=True)).data)
    np.testing.assert_allclose(first, COLOURS, atol=60 if kind == "GIF" else 0)


def with_second_page(first, second):
    """Chain the one directory of a TIFF to that of another, whose offsets are moved."""
    moved, at = bytearray(second), len(first)
    (directory,) = struct.unpack_from("<I", second, 4)
    (count,) = struct.unpack_from("<H", second, directory)
    for number in range(count):
        place = directory + 2 + 12 * number
        if struct.unpack_from("<H", second, place)[0] == 273:
            struct.pack_into("<I", moved, place + 8, 8 + at)
    return first[:-4] + struct.pack("<I", directory + at) + bytes(moved)


def test_reduced_copies_of_a_page_are_no_pages():
    page, copy = tiff(TWELVE_BITS), tiff(TWELVE_BITS[::2, ::2], subfile=1)

    np.testing.assert_array_equal(pixels_of(with_second_page(page, copy)), windowed(TWELVE_BITS))
    with pytest.raises(BadImage, match="a TIFF of 2 pages"):
        images.read(with_second_page(page, page), "one", 8)


@pytest.mark.parametrize(
    "marks", [{"subfile": 1}, {"more": [(50706, 4, 0x401)]}], ids=["NEF", "DNG"]
)
def test_the_preview_in_a_cameras_raw_file_is_not_the_picture(marks):
    with pytest.raises(BadImage, match="^one: the raw file of a camera"):
        images.read(tiff(COLOURS[..., 0], **marks), "one", 8)


@pytest.mark.parametrize(
    "data",
    [
        tiff(np.zeros((1, 1), np.uint8)).replace(
            struct.pack("<HHIHH", 256, 3, 1, 1, 0), struct.pack("<HHII", 256, 4, 1, 2**31)
        ),
        tiff(COLOURS[..., 0], more=[(322, 4, 2**20), (323, 4, 2**20)]),
        b"BM" + struct.pack("<IIIIiiHHI", 60, 0, 54, 40, 40_000, 40_000, 1, 24, 0) + bytes(60),
        b"GIF89a" + struct.pack("<HHBBB", 65_000, 65_000, 0, 0, 0)
        + b"," + struct.pack("<HHHHB", 0, 0, 65_000, 65_000, 0) + b"\x02\x00;",
    ],
    ids=["TIFF", "tiles", "BMP", "GIF"],
)  # fmt: skip
def test_what_claims_to_be_huge_is_not_decoded(monkeypatch, data):
    monkeypatch.setattr(conversion, "_in_eight_bits", lambda *_: pytest.fail("decoded"))
    with pytest.raises(BadImage, match="megapixels") as caught:
        images.read(data, "one", 8)
    assert caught.value.kind == "oversized"


KINDS = ("TIFF", "BMP", "GIF", "WebP", "CMYK", "16 bits")


def whole(kind):
    if kind == "CMYK":
        return encoded(Image.fromarray(COLOURS).convert("CMYK"), "JPEG")
    if kind == "16 bits":
        return encoded(Image.fromarray(TWELVE_BITS), "PNG")
    return encoded(Image.fromarray(COLOURS), kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_file_that_breaks_off_is_named(kind, share):
    data = whole(kind)
    with pytest.raises(BadImage, match="^one: "):
        images.read(data[: int(share * len(data))], "one", 8)


@given(kind=st.sampled_from(KINDS), at=st.floats(0, 1), bits=st.integers(1, 255))
def test_a_damaged_byte_gives_an_image_or_a_named_refusal(kind, at, bits):
    data = bytearray(whole(kind))
    data[min(int(at * len(data)), len(data) - 1)] ^= bits
    try:
        assert images.read(bytes(data), "one", 8).shape == (8, 8, 3)
    except BadImage as error:
        assert str(error).startswith("one: ")  # noqa: PT017  both outcomes are right


def test_heic_is_read_by_an_extra():
    found = pixels_of(HEIC)

    assert found.shape == (32, 48, 3)
    corners = [found[8, 12], found[8, 36], found[24, 12], found[24, 36]]
    wanted = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 220)]
    np.testing.assert_allclose(corners, wanted, atol=12)


def test_without_the_extra_a_heic_file_names_it(monkeypatch):
    monkeypatch.setattr(conversion, "has_heif", lambda: False)
    with pytest.raises(BadImage, match=r"^one: a HEIC file.*pip install 'dlmath\[heic\]'"):
        images.read(HEIC, "one", 8)
