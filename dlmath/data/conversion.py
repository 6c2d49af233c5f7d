"""Turn a picture of another format or depth into the 8-bit PNG that all of dlmath reads.

TIFF, BMP, WebP, GIF and HEIC files, PNGs of 16 bits and JPEGs in CMYK. What becomes of the stored
values, in this order:

1. The picture is turned upright: by TIFF's own tag, or by EXIF. HEIC is stored upright.
2. Greys of more than 8 bits, or in fractions: from the least level of the picture, black, to its
   greatest, white, as a DICOM file without a window. WhiteIsZero is turned round. Another window is
   a choice of its user: `dlmath data convert --window`.
3. Colours of 16 bits, and greys with alpha: their upper 8 bits. Where all of these are below 16, as
   where 12 bits lie in 16, the picture would be nearly black and is refused.
4. CMYK inks to light: R = (255 - C) (255 - K) / 255, likewise G and B; no colour profile is used.
5. A palette becomes its colours; alpha is left out and the colours below it stay as stored.

Pictures of several frames or pages are refused, unless the first is asked for; reduced copies of
the first page, as in a pyramid, do not count.

A LiteRT or ONNX export carries this file as it is, see `dlmath.export.sidecar_files`.
"""

import importlib.util
import io
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from .exif import UPRIGHT, orientation
from .image_formats import format_of
from .image_headers import PIXEL_LIMIT, BadImage, Header, check_size, peek_header

_DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_PHOTOMETRIC, _BITS, _SAMPLE_FORMAT, _SUBFILE, _DNG = 262, 258, 339, 254, 50706
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_SIGNED = 2  # of the sample format
_DARK = 15  # of 255: colours below it everywhere are 12 bits that lie in 16
_PAGES_LOOKED_AT = 100
_ORIENTATION = 0x0112


class Converted(NamedTuple):
    """A picture as an 8-bit PNG, and what the file itself said of it.

    Attributes:
        data: The whole PNG, upright, in grey or RGB.
        header: Format, size, mode and depth as stored in the file.
        doubts: Reasons not to rely on the picture, a sentence each.
    """

    data: bytes
    header: Header
    doubts: tuple[str, ...] = ()


class Wishes(NamedTuple):
    """What the user asked for of pictures that do not say it themselves.

    Attributes:
        first_frame: Take the first frame of an animation, and the first of several pages.
        window: The levels of a deep grey picture that become black and white, the lower one first;
            None for its least and its greatest.
    """

    first_frame: bool = False
    window: tuple[float, float] | None = None


def as_png(
    data: bytes, name: str, pixel_limit: int = PIXEL_LIMIT, wishes: Wishes | None = None
) -> Converted:
    """Turn a picture into an 8-bit PNG, in grey or RGB.

    Args:
        data: The whole file: one that `needs_conversion`, or any other PNG or JPEG.
        name: What errors call the file.
        pixel_limit: The largest width times height.
        wishes: What was asked for beyond the rules above.

    Raises:
        BadImage: It has several frames, is too large, or cannot be decoded.
    """
    kind = format_of(data) or ""
    wishes = wishes or Wishes()
    if kind == "HEIC" and not has_heif():
        raise BadImage(
            f"{name}: a HEIC file, for which pi-heif is missing: pip install 'dlmath[heic]'",
            "missing-reader",
        )
    try:
        picture = _OPENERS[kind](data)
        header = _header(picture, kind, data)
        _check(picture, header, name, pixel_limit, first_frame=wishes.first_frame)
        picture.load()
        plain, doubts = _in_eight_bits(picture, header, name, wishes)
        stream = io.BytesIO()
        # Little compression: it is decoded again at once.
        _upright(plain, picture, data).save(stream, "PNG", compress_level=1)
    except BadImage:
        raise
    # Each of Pillow's readers fails by an exception of its own; all of them say this.
    except Exception as error:
        why = " ".join((str(error) or type(error).__name__).split())[:200]
        raise BadImage(
            f"{name}: a {kind} that cannot be decoded ({why}): damaged, broken off before its end, "
            "or of a kind that is not read",
            "damaged",
        ) from error
    return Converted(stream.getvalue(), header, doubts)


def has_heif() -> bool:
    """Return whether pi-heif, by which HEIC files are read, is installed."""
    return importlib.util.find_spec("pi_heif") is not None


def _open_heic(data: bytes) -> Image.Image:
    from pi_heif.as_plugin import HeifImageFile  # an extra

    picture: Image.Image = HeifImageFile(io.BytesIO(data))  # of 10 bits it gives the upper 8
    return picture


# Not by `Image.open`, which knows many more formats and guards against few.
_OPENERS: dict[str, Callable[[bytes], Image.Image]] = {
    "PNG": lambda data: PngImageFile(io.BytesIO(data)),
    "JPEG": lambda data: JpegImageFile(io.BytesIO(data)),
    "TIFF": lambda data: TiffImageFile(io.BytesIO(data)),
    "BMP": lambda data: BmpImageFile(io.BytesIO(data)),
    "GIF": lambda data: GifImageFile(io.BytesIO(data)),
    "WebP": lambda data: WebPImageFile(io.BytesIO(data)),
    "HEIC": _open_heic,
}


def _header(picture: Image.Image, kind: str, data: bytes) -> Header:
    if header := peek_header(data):
        return header
    bits = _tag(picture, _BITS, 8)
    depth = bits[0] if isinstance(bits, tuple) else bits
    return Header(kind, picture.width, picture.height, int(depth), picture.mode)


def _tag(picture: Image.Image, tag: int, otherwise: Any) -> Any:
    return picture.tag_v2.get(tag, otherwise) if isinstance(picture, TiffImageFile) else otherwise


def _check(
    picture: Image.Image, header: Header, name: str, pixel_limit: int, *, first_frame: bool
) -> None:
    """Refuse what must not be decoded, or says too little to be one picture."""
    check_size(header, name, pixel_limit)
    tile = (_tag(picture, _TILE_WIDTH, 0), _tag(picture, _TILE_LENGTH, 0))
    check_size(header._replace(width=max(tile[0], 1), height=max(tile[1], 1)), name, pixel_limit)
    if _tag(picture, _SUBFILE, 0) & 1 or _tag(picture, _DNG, None) is not None:
        raise BadImage(
            f"{name}: the raw file of a camera, whose first picture is a small preview. Develop "
            "it, and save it as PNG or TIFF",
            "mislabelled",
            header,
        )
    if not first_frame and (pages := _pages(picture)) > 1:
        what = f"a TIFF of {pages} pages" if header.format == "TIFF" else "an animation"
        raise BadImage(
            f"{name}: an image must be one still picture. Received: {what}. To take the first: "
            "dlmath data convert --first-frame",
            "animated",
            header,
        )


def _pages(picture: Image.Image) -> int:
    """Return the number of frames or pages; of an animation 2 stands for any more."""
    if not isinstance(picture, TiffImageFile):
        return 2 if getattr(picture, "is_animated", False) else 1
    pages = 1
    with suppress(EOFError):
        for number in range(1, _PAGES_LOOKED_AT):
            picture.seek(number)
            pages += not _tag(picture, _SUBFILE, 0) & 1  # a reduced copy is no page
    picture.seek(0)
    return pages


def _in_eight_bits(
    picture: Image.Image, header: Header, name: str, wishes: Wishes
) -> tuple[Image.Image, tuple[str, ...]]:
    """Return the picture in grey (L) or RGB, as stored to its sides, and the doubts about it."""
    sample = _tag(picture, _SAMPLE_FORMAT, (1,))
    is_signed = header.bits == 8 and picture.mode == "L" and sample == (_SIGNED,)
    if picture.mode in _DEEP_MODES or is_signed:
        values = np.asarray(picture)
        return _windowed(values.view(np.int8) if is_signed else values, picture, name, wishes)
    picture.info.pop("transparency", None)  # alpha is left out; Pillow would warn
    if header.bits > 8:
        _check_not_dark(picture, header, name)
    return picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB"), ()


def _windowed(
    values: np.ndarray, picture: Image.Image, name: str, wishes: Wishes
) -> tuple[Image.Image, tuple[str, ...]]:
    if not np.isfinite(values).all():
        raise BadImage(f"{name}: some of its levels are no numbers (NaN or infinite)", "damaged")
    low, high = wishes.window or (float(values.min()), float(values.max()))
    shades = np.clip((values.astype(np.float64) - low) / ((high - low) or 1), 0, 1)
    if _tag(picture, _PHOTOMETRIC, 1) == 0:  # WhiteIsZero, which Pillow heeds up to 8 bits only
        shades = 1 - shades
    eight = np.rint(255 * shades).astype(np.uint8)
    before, after = len(np.unique(values)), len(np.unique(eight))
    doubts: tuple[str, ...] = ()
    if after < min(before, 256) / 2:
        doubts = (
            f"of {before:,} grey levels only {after} are left in 8 bits, from {low:g} to {high:g}: "
            "a few far levels take the range of the others",
        )
    return Image.fromarray(eight), doubts


def _check_not_dark(picture: Image.Image, header: Header, name: str) -> None:
    """Refuse 16-bit colours, or greys with alpha, of which only the low bits hold something."""
    colours = picture.convert("L" if picture.mode == "LA" else "RGB")
    if np.asarray(colours).max(initial=0) <= _DARK:
        raise BadImage(
            f"{name}: its colours of {header.bits} bits use the lowest 12 at most and would be "
            "nearly black. Scale them to the whole range, or save it in grey",
            "deep",
            header,
        )


def _upright(plain: Image.Image, picture: Image.Image, data: bytes) -> Image.Image:
    """Turn a picture as its EXIF block says; Pillow has turned a TIFF, and pi-heif a HEIC."""
    code = 1
    if isinstance(picture, PngImageFile | JpegImageFile):
        code = orientation(data)
    elif isinstance(picture, WebPImageFile):
        with suppress(Exception):  # a damaged block counts as none
            code = picture.getexif().get(_ORIENTATION, 1)
    return plain.transpose(UPRIGHT[code]) if code in UPRIGHT else plain
