"""What a visitor of the page sends: images in base64, or the number of an example.

They come in the data of a browser's event and stay in memory. Gradio's own uploads write files,
and a mounted Gradio application reads any file of the machine whose path a client sends.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MOST_IMAGES = 12  # at a time: as many cards as the page has
_LONGEST_NAME = 120  # characters of a file's name that are shown


@dataclass(frozen=True)
class Asked:
    """An image that someone wants to have answered.

    Attributes:
        name: Of its file, as the browser gives it: anything, so never a path and never HTML.
        content: The file. Empty where the browser could not read it.
    """

    name: str
    content: bytes


def read_images(sent: Any) -> list[Asked]:
    """Return the images of an event, the first `MOST_IMAGES` of them.

    Args:
        sent: What the browser sent: `{"images": [{"name": "a.png", "data": "base64"}]}`, or
            anything else, of which nothing comes.
    """
    images = sent.get("images") if isinstance(sent, dict) else None
    return list(_readable(images[:MOST_IMAGES] if isinstance(images, list) else []))


def read_number(sent: Any, count: int) -> int | None:
    """Return the number of an example, below `count`; None where the event holds none."""
    number = sent.get("number") if isinstance(sent, dict) else None
    return number if isinstance(number, int) and 0 <= number < count else None


def read_choice(sent: Any) -> int:
    """Return the number that the browser gave to a choice, from 1; 0 where the event holds none."""
    choice = sent.get("choice") if isinstance(sent, dict) else None
    return choice if isinstance(choice, int) and choice > 0 else 0


def _readable(images: list[Any]) -> Iterator[Asked]:
    for image in images:
        if isinstance(image, dict):
            yield Asked(_shortened(str(image.get("name", ""))), _decoded(image.get("data")))


def _decoded(data: Any) -> bytes:
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except (ValueError, binascii.Error):
        return b""


def _shortened(name: str) -> str:
    """Return a name that fits on a card, with its beginning and its ending."""
    printable = "".join(letter if letter.isprintable() else " " for letter in name).strip()
    if len(printable) > _LONGEST_NAME:
        printable = f"{printable[: _LONGEST_NAME - 20]}…{printable[-19:]}"
    return printable or "image"
