"""Requests that must be refused, each with the status that it deserves; see `load.py`."""

import base64
import json
import struct
import zlib
from dataclasses import dataclass

from api_forms import in_json, with_files  # next to this file
from raw_http import Request

LIMIT = 64 * 2**20  # of a body, in bytes


@dataclass(frozen=True)
class Bad:
    """A request that must be refused, and how."""

    name: str
    request: Request
    status: int


def bad_requests(name: str, image: bytes) -> list[Bad]:
    """Return requests that are wrong in small ways."""
    path = f"/v1/models/{name}:predict"
    damaged = image[: len(image) // 2]
    return [
        Bad("damaged, in JSON", in_json(name, {"a": damaged}), 422),
        Bad("damaged, as a file", with_files({"a.jpeg": damaged}), 422),
        Bad("a text as an image", with_files({"a.jpeg": b"no image at all" * 100}), 415),
        Bad("not JSON", Request(path, b"{"), 400),
        Bad("no instances", Request(path, b'{"instances": []}'), 400),
        Bad("not base64", Request(path, b'{"instances": [{"b64": "&&&&"}]}'), 400),
        Bad("another content type", Request(path, image, "image/jpeg"), 415),
        Bad("no such model", in_json("nothing", {"a": image}), 404),
    ]


def huge_requests(name: str) -> list[Bad]:
    """Return requests that are small themselves and would take gigabytes, or are large."""
    path = f"/v1/models/{name}:predict"
    bomb = png_bomb(20_000, 20_000)
    many = {"instances": [{"b64": base64.b64encode(b"x").decode()}] * 100_000}
    return [
        Bad("400 megapixels in a file", with_files({"a.png": bomb}), 413),
        Bad("400 megapixels in JSON", in_json(name, {"a.png": bomb}), 413),
        Bad("a body over the limit", Request(path, b" " * (LIMIT + 1)), 413),
        Bad("100,000 images", Request(path, json.dumps(many).encode()), 400),
    ]


def png_bomb(width: int, height: int) -> bytes:
    """Return a whole and valid grey PNG of nothing but zeros."""
    packer = zlib.compressobj(9)
    row = bytes(1 + width)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
