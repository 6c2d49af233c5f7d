"""Requests that a server refuses, and what it says: a table that tests and documentation share."""

import base64
import io
import json
import struct
import zlib
from typing import NamedTuple

from PIL import Image

MODEL = "/v1/models/tiny"
_JSON = {"content-type": "application/json"}


class BadRequest(NamedTuple):
    """One row.

    Attributes:
        what: In words, for the documentation.
        status: Of the answer.
        reason: What its `error` has in it.
        path: Where it goes.
        body: Bytes of the body.
        headers: Besides those that every client sends.
        method: Of HTTP.
    """

    what: str
    status: int
    reason: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012  a row is never changed
    method: str = "POST"


def png(width: int = 6, height: int = 5) -> bytes:
    """Return a sound picture."""
    picture = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 150)).save(picture, "PNG")
    return picture.getvalue()


def bomb(width: int, height: int, bits: int = 8) -> bytes:
    """Return a small PNG whose header claims these sizes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def form(*files: tuple[str, bytes], boundary: str = "limit") -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a form with files under `file`."""
    body = b""
    for name, content in files:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"'
        body += head.encode() + b"\r\nContent-Type: image/png\r\n\r\n" + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return body, {"content-type": f"multipart/form-data; boundary={boundary}"}


def rows(*images: bytes) -> bytes:
    """Return the body of a request in TensorFlow Serving's form."""
    instances = [{"b64": base64.b64encode(image).decode()} for image in images]
    return json.dumps({"instances": instances}).encode()


def _json(what: str, status: int, reason: str, body: bytes | str, **headers: str) -> BadRequest:
    content = body if isinstance(body, bytes) else body.encode()
    return BadRequest(what, status, reason, f"{MODEL}:predict", content, {**_JSON, **headers})


def _file(what: str, status: int, reason: str, *files: bytes, path: str = "/predict") -> BadRequest:
    named = [(f"{number}.png", content) for number, content in enumerate(files)]
    return BadRequest(what, status, reason, path, *form(*named))


def _form(what: str, status: int, reason: str, body: bytes, kind: str) -> BadRequest:
    return BadRequest(what, status, reason, "/predict", body, {"content-type": kind})


def _get(what: str, status: int, reason: str, path: str, method: str = "GET") -> BadRequest:
    return BadRequest(what, status, reason, path, method=method)


_FIELD = b'--limit\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
_MULTIPART = "multipart/form-data; boundary=limit"

BAD_REQUESTS = (
    _json("an empty body", 400, "not JSON", ""),
    _json("text that is no JSON", 400, "not JSON at character 0", "hello"),
    _json("JSON that breaks off", 400, "not JSON", '{"instances": ['),
    _json("bytes that are no UTF-8", 400, "not UTF-8", b'{"instances": "\xff"}'),
    _json("NaN, which is no JSON", 400, "NaN is no JSON", '{"instances": [NaN]}'),
    _json("one name twice", 400, "twice", '{"instances": [], "instances": []}'),
    _json("100,000 lists in one another", 400, "too many values", "[" * 100_000),
    _json("a number of 5,000 digits", 400, "not JSON", '{"instances": ' + "1" * 5000 + "}"),
    _json("a list in the place of an object", 400, "must be a JSON object", "[]"),
    _json("null", 400, "must be a JSON object", "null"),
    _json("no instances", 400, "either `instances`", "{}"),
    _json("instances and inputs", 400, "either `instances`", '{"instances":[],"inputs":[]}'),
    _json("an unknown field", 400, "Unknown field", '{"instances":[],"more":1}'),
    _json("another signature", 400, "signature", '{"signature_name":"x","instances":[]}'),
    _json("no image", 400, "1 to 4 images", '{"instances":[]}'),
    _json("instances that are no list", 400, "must be a list", '{"instances":{"b64":""}}'),
    _json("numbers for an image", 400, "a file in base64", '{"instances":[[0.1,0.2]]}'),
    _json("pixels for an image", 400, "too many values", json.dumps({"instances": [[1] * 300]})),
    _json("null for an image", 400, "Received: null", '{"instances":[null]}'),
    _json("another input", 400, "the input 'images'", '{"instances":[{"pixels":[1]}]}'),
    _json("text that is no base64", 400, "not base64", '{"instances":[{"b64":"*"}]}'),
    _json("letters outside ASCII", 400, "not base64", '{"instances":[{"b64":"\u00e9"}]}'),
    _json("an empty image", 422, "empty file", '{"instances":[{"b64":""}]}'),
    _json("a good and a bad image", 422, "image 1: ", rows(png(), png()[:-20])),
    _json("too many images", 413, "1 to 4 images", rows(*[png()] * 5)),
    _json("a GIF cut off", 422, "cannot be decoded", rows(b"GIF89a" + bytes(20))),
    _json("a body over the limit", 413, "may have 0.25 MiB", b" " * 300_000),
    _json("XML", 415, "application/json", "<a/>", **{"content-type": "text/xml"}),
    _json("a compressed body", 415, "compressed", rows(png()), **{"content-encoding": "gzip"}),
    BadRequest(
        "another model", 404, "no such model", "/v1/models/other:predict", rows(png()), _JSON
    ),
    BadRequest(
        "another version", 404, "no such model", f"{MODEL}/versions/7:predict", rows(png()), _JSON
    ),
    _get("the state of another model", 404, "no such model", "/v1/models/other"),
    _get("an address that is not there", 404, "nothing at this address", "/v1/other"),
    _get("a slash too many", 404, "nothing at this address", "/v1/models/tiny/"),
    _get("a path upwards", 404, "no", "/v1/models/..%2f..%2fetc%2fpasswd"),
    _get("a prediction by GET", 405, "another method", "/predict"),
    _get("a prediction by PUT", 405, "another method", "/predict", "PUT"),
    _get("the state by DELETE", 405, "another method", MODEL, "DELETE"),
    _file("text as an image", 415, "no image of a format that is read", b"hello"),
    _file("a PDF", 415, "a PDF", b"%PDF-1.7 " + bytes(30)),
    _file("an empty file", 422, "empty file", b""),
    _file("a PNG cut off", 422, "broken off", png(40, 40)[:-30]),
    _file("a TIFF cut off", 422, "cannot be decoded", b"II*\0" + bytes(30)),
    _file("a PNG that claims 400 megapixels", 413, "megapixels", bomb(20_000, 20_000)),
    _file("a PNG over this server's pixels", 413, "megapixels", bomb(1100, 1000)),
    _file("a PNG without pixels", 422, "must have pixels", bomb(0, 5)),
    _file("a file over the limit", 413, "MiB", png() + bytes(150_000)),
    _file("a good and a bad file", 415, "1 of 2 files", png(), b"hello"),
    _file("too many files", 413, "1 to 4 files", *[png()] * 5),
    _file("two files to explain", 413, "1 file", png(), png(), path="/explain"),
    _file("text to explain", 415, "no image of a format that is read", b"hello", path="/explain"),
    _form("no form at all", 415, "multipart/form-data", b"hello", "text/plain"),
    _form("a form without a boundary", 400, "boundary", b"hello", "multipart/form-data"),
    _form("a form that is broken", 400, "broken", b"hello", _MULTIPART),
    _form("a form without a file", 422, "must be a file", _FIELD + b"--limit--\r\n", _MULTIPART),
    _form("an empty form", 422, "no file", b"--limit--\r\n", _MULTIPART),
    _form("3,000 fields", 422, "must be a file", _FIELD * 3000 + b"--limit--\r\n", _MULTIPART),
)
