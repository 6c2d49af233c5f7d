"""Read the files of a multipart form into memory: no part of an upload reaches a disk.

Sources: RFC 7578; RFC 5987 for `filename*`, which the former forbids and many clients send for a
name that is not of ASCII letters.
"""

import codecs
import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from dlmath.serving.limits import Limits
from dlmath.serving.refusal import Refusal

_NAME_LENGTH = 255
_NAME = re.compile(rb";\s*filename\s*=", re.IGNORECASE)
_EXTENDED = re.compile(
    rb";\s*filename\*\s*=\s*\"?(?P<charset>[\w-]*)'[^']*'(?P<name>[^;\"]*)", re.IGNORECASE
)


class Upload(NamedTuple):
    """A file as the client sent it; its name is for the answer and for nothing else."""

    name: str
    content: bytes


async def read_uploads(request: Request, limits: Limits, most: int) -> list[Upload]:
    """Return the files of a form.

    Args:
        request: Its body is not read yet, and bounded by who passes it on.
        limits: Of the server.
        most: Files in it at most.

    Raises:
        Refusal: It is no form (415), broken (400), has no file or fields that are none (422), or
            more than `most` files (413).
    """
    if _content_type(request) != "multipart/form-data":
        raise Refusal(415, "Send the files as multipart/form-data.", code="content_type")
    parser = _Parser(
        # One more, so that too many can be told from a form that is broken.
        request.headers,
        request.stream(),
        max_files=most + 1,
        max_fields=1,
    )
    parser.spool_max_size = limits.body_bytes + 1  # of more it would write a temporary file
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise _refusal(error.message, most) from error
    items = form.multi_items()
    try:
        return [await _upload(name, value) for name, value in _files(items, most)]
    finally:
        await form.close()


class _Parser(MultiPartParser):
    """Starlette's, which takes a file that is named only by `filename*` for a text."""

    def on_headers_finished(self) -> None:
        part = self._current_part
        disposition = part.content_disposition or b""
        if _NAME.search(disposition) is None and (found := _EXTENDED.search(disposition)):
            name = _quoted(_extended_name(found["charset"], found["name"]))
            part.content_disposition = disposition + b'; filename="' + name + b'"'
        super().on_headers_finished()


def _extended_name(charset: bytes, name: bytes) -> str:
    """Return a name in the form of RFC 5987, percent-encoded in a character set."""
    try:
        known = codecs.lookup(charset.decode()).name
    except (LookupError, UnicodeDecodeError):
        known = "utf-8"
    return unquote_to_bytes(name).decode(known, errors="replace")


def _quoted(name: str) -> bytes:
    return _printable(name).replace("\\", "_").replace('"', "_").encode()


def _files(items: list[tuple[str, "UploadFile | str"]], most: int) -> list[tuple[str, UploadFile]]:
    files = [(name, value) for name, value in items if isinstance(value, UploadFile)]
    if len(files) < len(items):
        raise Refusal(422, "Every field of the form must be a file.", code="form")
    if not files:
        raise Refusal(422, "The form has no file.", code="form")
    if len(files) > most:
        raise _too_many(most)
    return files


async def _upload(field: str, value: UploadFile) -> Upload:
    return Upload(_printable(value.filename or field)[:_NAME_LENGTH] or "file", await value.read())


def _printable(name: str) -> str:
    """Return a name without line ends and other control characters, which could forge a log."""
    return "".join(letter if letter.isprintable() else "_" for letter in name)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refusal(message: str, most: int) -> Refusal:
    if message.startswith("Too many files"):
        return _too_many(most)
    if message.startswith(("Too many fields", "Part exceeded")):
        return Refusal(422, "Every field of the form must be a file.", code="form")
    return Refusal(400, f"The form is broken: {message}", code="form")


def _too_many(most: int) -> Refusal:
    files = "1 file" if most == 1 else f"1 to {most} files"
    return Refusal(413, f"This takes {files} in a request.", code="images")
