"""Draw a map over its image, next to the image itself, with the scale of its colours."""

import io
import textwrap
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Nine even steps of viridis (Smith, van der Walt, 2015; CC0): even to the eye, also to one that
# does not tell red from green, and in grey.
VIRIDIS = ("440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725")
SIDE = 384  # of the longer side of a panel in pixels
GAP, BAR, LINE = 14, 18, 20
PAIR_GAP = 4
PAPER, INK = "white", "black"
COVER = 0.75  # how much of the image the hottest places cover; the coldest cover nothing
SMALL, LARGE = 13, 15


def draw_overlay(
    image: Image.Image, heat: np.ndarray, title: str, lines: Sequence[str] = ()
) -> bytes:
    """Draw the image, the map over it and a colour bar, with a title and lines below.

    Args:
        image: The image, upright, of any size; its proportions are kept.
        heat: (S, S) in 0..1. The image is covered the more, the hotter the place is.
        title: Above the pictures.
        lines: Below them, for metrics and warnings.

    Returns:
        A PNG file.
    """
    plain = _fit(image.convert("RGB"))
    right = 2 * GAP + plain.width
    bar_left = right + plain.width + GAP
    words = [part for line in (title, *lines) for part in _wrapped(line, bar_left + BAR + 60)]
    above = len(_wrapped(title, bar_left + BAR + 60))
    top = GAP + LINE * above + GAP // 2
    height = top + plain.height + GAP + LINE * (len(words) - above) + GAP // 2
    sheet = Image.new("RGB", (bar_left + BAR + 60 + GAP, height), PAPER)
    sheet.paste(plain, (GAP, top))
    sheet.paste(blend(plain, heat), (right, top))
    _draw_bar(sheet, bar_left, top, plain.height)
    for number, line in enumerate(words):
        below = 0 if number < above else plain.height + GAP + GAP // 2
        size = LARGE if number < above else SMALL
        _write(sheet, (GAP, GAP + LINE * number + below), line, size)
    return _as_png(sheet)


def draw_pair(pixels: np.ndarray, heat: np.ndarray, side: int) -> bytes:
    """Draw an image and the map over it side by side, as a PNG file without any text.

    Args:
        pixels: uint8 (S, S, 3), the image as the model sees it.
        heat: (S, S) in 0..1.
        side: Of each of the two in pixels.
    """
    plain = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    sheet = Image.new("RGB", (2 * side + PAIR_GAP, side), PAPER)
    sheet.paste(plain, (0, 0))
    sheet.paste(blend(plain, heat), (side + PAIR_GAP, 0))
    return _as_png(sheet)


def colours(values: np.ndarray) -> np.ndarray:
    """Return the colours of values in 0..1, uint8 (..., 3), between the steps linear."""
    steps = np.array([[int(step[i : i + 2], 16) for i in (0, 2, 4)] for step in VIRIDIS], float)
    places = np.linspace(0, 1, len(steps))
    channels = [np.interp(values, places, steps[:, channel]) for channel in range(3)]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)


def blend(plain: Image.Image, heat: np.ndarray) -> Image.Image:
    """Return an RGB image of any size under a map (S, S) in 0..1: the hotter, the more covered."""
    size = plain.size
    hot = Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    values = np.clip(np.array(hot), 0, 1)
    cover = COVER * values[..., None]
    mixed = (1 - cover) * np.asarray(plain, np.float32) + cover * colours(values)
    return Image.fromarray(np.round(mixed).astype(np.uint8))


def _fit(image: Image.Image) -> Image.Image:
    """Scale to panels of one size, up too: a cell of 60 pixels is too small to look at."""
    scale = SIDE / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def _draw_bar(sheet: Image.Image, left: int, top: int, height: int) -> None:
    values = np.linspace(1, 0, height)
    bar = np.repeat(colours(values)[:, None], BAR, axis=1)
    sheet.paste(Image.fromarray(bar), (left, top))
    ImageDraw.Draw(sheet).rectangle((left, top, left + BAR, top + height - 1), outline=INK)
    for place, word in ((0, "most"), (height - LINE, "none")):
        _write(sheet, (left + BAR + 4, top + place), word, SMALL)


def _wrapped(line: str, width: int) -> list[str]:
    """Break a line between words, and a word longer than a line inside of it."""
    letter = ImageFont.load_default(size=LARGE).getlength("n")
    return textwrap.wrap(line, max(10, int(width / letter)))


def _as_png(sheet: Image.Image) -> bytes:
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _write(sheet: Image.Image, at: tuple[int, int], text: str, size: int) -> None:
    font = ImageFont.load_default(size=size)
    ImageDraw.Draw(sheet).text(at, text, fill=INK, font=font)
