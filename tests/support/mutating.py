"""Image files broken in every way that bytes can be, by number: the same number, the same bytes."""

import io
import struct
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

Random = np.random.Generator


@cache
def seeds() -> tuple[bytes, ...]:
    """Return whole files to begin with: grey and coloured, with metadata and in several formats."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((49, 41), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = {"save_all": True, "append_images": [image.rotate(90)]}
    return (
        _encoded(image, "JPEG"),
        _encoded(image, "JPEG", exif=exif, progressive=True, comment=b"x" * 40),
        _encoded(image.convert("L"), "JPEG", quality=40, restart_marker_blocks=2),
        _encoded(image.convert("CMYK"), "JPEG"),
        _encoded(image, "PNG", exif=exif),
        _encoded(image.convert("P"), "PNG", transparency=b"\0\x80"),
        _encoded(image.convert("LA"), "PNG"),
        _encoded(image.convert("1"), "PNG"),
        _encoded(Image.fromarray(pixels[..., 0].astype(np.uint16) * 257), "PNG"),
        _encoded(image, "PNG", **frames),
        _encoded(image, "GIF", **frames),
    )


def mutated(number: int) -> bytes:
    """Return broken file `number`: a seed after one to three mutations."""
    random = np.random.default_rng([20_000, number])
    data = seeds()[random.integers(len(seeds()))]
    for _ in range(random.integers(1, 4)):
        if data:
            data = MUTATIONS[random.integers(len(MUTATIONS))](data, random)
    return data


def _encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _flip_bits(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for place in random.integers(len(data), size=random.integers(1, 9)):
        changed[place] ^= 1 << random.integers(8)
    return bytes(changed)


def _flip_in_head(data: bytes, random: Random) -> bytes:
    return data[:8] + _flip_bits(data[8:72] or data[:1], random) + data[72:]


def _truncate(data: bytes, random: Random) -> bytes:
    return data[: random.integers(len(data))]


def _zero_run(data: bytes, random: Random) -> bytes:
    start, length = random.integers(len(data)), random.integers(1, 200)
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


def _other_head(data: bytes, random: Random) -> bytes:
    other = seeds()[random.integers(len(seeds()))]
    cut = random.integers(1, 80)
    return other[:cut] + data[cut:]


def _other_tail(data: bytes, random: Random) -> bytes:
    other = seeds()[random.integers(len(seeds()))]
    return data[: random.integers(len(data))] + other[random.integers(len(other)) :]


def _number(data: bytes, random: Random) -> bytes:
    """Write an extreme number where a length, a width or a height may stand."""
    format_, most = ((">H", 2**16 - 1), (">I", 2**32 - 1))[random.integers(2)]
    value = (0, 1, most // 2, most // 2 + 1, most)[random.integers(5)]
    place = random.integers(2, max(3, min(len(data), 400)))
    raw = struct.pack(format_, value)
    return data[:place] + raw + data[place + len(raw) :]


def _duplicate(data: bytes, random: Random) -> bytes:
    start, length = random.integers(len(data)), random.integers(1, 300)
    return data[: start + length] + data[start:]


def _swap(data: bytes, random: Random) -> bytes:
    """Swap two neighbouring pieces: PNG chunks or JPEG segments where those begin there."""
    places = sorted(random.choice(_piece_starts(data), 3))
    first, second, third = places
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def _piece_starts(data: bytes) -> list[int]:
    marks = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"IEND")
    chunks = [data.find(mark) - 4 for mark in marks if data.find(mark) >= 4]
    segments = [place for place in range(len(data) - 1) if data[place] == 0xFF and data[place + 1]]
    return [*chunks, *segments[:40], 0, len(data)]


def _noise(data: bytes, random: Random) -> bytes:
    start, noise = random.integers(len(data)), random.bytes(random.integers(1, 40))
    return data[:start] + noise + data[start + len(noise) :]


MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (
    _flip_bits,
    _flip_in_head,
    _truncate,
    _zero_run,
    _other_head,
    _other_tail,
    _number,
    _duplicate,
    _swap,
    _noise,
)
