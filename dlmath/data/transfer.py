"""Fetch one large file over HTTP, and go on with what an earlier attempt left of it.

The bytes go to a partial file. A note next to it says which file on which server they begin.
The next attempt asks for the rest on the condition that the file is still the same (If-Range),
so that a server that cannot go on, or has another file by now, sends the whole of it instead.

Source: RFC 9110 (HTTP Semantics), sections 8.8, 10.2.3, 13.1.5, 14 and 15.3.7.
"""

import re
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from dlmath._version import __version__
from dlmath.data.partial import Note, Partial
from dlmath.errors import DataError
from dlmath.reporting import Reporter

MEBIBYTE = 2**20
_CHUNK = 2**18  # bytes
_TRANSIENT = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,  # the partial file is longer than the server's
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


@dataclass(frozen=True)
class Patience:
    """Timeout, retries and pauses of a download; times in seconds.

    Attributes:
        timeout: Time without a byte after which the connection counts as dead.
        retries: Number of retries in a row that brought no new byte, after which to give up.
        first_pause: Pause before the first retry; each further one is twice as long.
        longest_pause: Upper limit of the pauses.
        longest_wait: A server that asks for a longer pause (Retry-After) is given up at once.
    """

    timeout: float = 30.0
    retries: int = 5
    first_pause: float = 1.0
    longest_pause: float = 60.0
    longest_wait: float = 600.0

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row, from 1."""
        return float(min(self.first_pause * 2.0 ** (failures - 1), self.longest_pause))


class _Interrupted(Exception):
    """An attempt that failed and may be repeated."""

    def __init__(self, reason: str, wait: float = 0.0):
        super().__init__(reason)
        self.wait = wait  # seconds that the server asks for


def fetch(
    url: str, partial: Partial, *, max_bytes: int, patience: Patience, reporter: Reporter
) -> None:
    """Fetch the file at `url` into `partial`, going on where an earlier attempt ended.

    Args:
        url: http or https; redirects are followed, but not from https to http.
        partial: Receives the bytes. It stays as it is when this fails, for the next attempt.
        max_bytes: Upper limit of the size of the file.
        patience: How often to try again, and when.
        reporter: Receives the progress and each retry.

    Raises:
        DataError: The server refuses, fails more often than `patience` allows, or sends too much.
        OSError: The partial file cannot be written.
    """
    failures, most = 0, partial.size
    while not partial.is_complete(url):
        try:
            _attempt(url, partial, max_bytes, patience, reporter)
            return
        except _Interrupted as interruption:
            # Only a byte that was never there counts, or a server that starts again each time and
            # fails at the same place would be asked for ever.
            failures = 1 if partial.size > most else failures + 1
            most = max(most, partial.size)
            _require_patience(url, interruption, failures, patience)
            pause = max(patience.pause(failures), interruption.wait)
            reporter.say(
                f"{interruption}. {_in_mebibytes(partial.size)} are kept; trying again in "
                f"{pause:g} s ({failures} of {patience.retries})."
            )
            time.sleep(pause)


def require_address(url: str) -> None:
    """Refuse an address that is not one of the web.

    Raises:
        DataError: It does not begin with http:// or https:// and a host.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DataError(
            f"An address begins with https:// or http://. Received: {url!r}. For a file on this "
            "machine pass --archive FILE"
        )


def _require_patience(
    url: str, interruption: _Interrupted, failures: int, patience: Patience
) -> None:
    if interruption.wait > patience.longest_wait:
        raise DataError(
            f"Cannot download {url} now: {interruption}, and the server asks to wait "
            f"{interruption.wait:,.0f} s. The same command goes on then."
        )
    if failures > patience.retries:
        raise DataError(
            f"Cannot download {url}: {interruption}, and {patience.retries} retries brought no "
            "further byte."
        )


def _attempt(
    url: str, partial: Partial, max_bytes: int, patience: Patience, reporter: Reporter
) -> None:
    headers = {
        "User-Agent": f"dlmath/{__version__}",
        "Accept-Encoding": "identity",  # a range of compressed bytes would be of another file
        **partial.range_headers(url),
    }
    try:
        response = build_opener(_Redirects).open(
            Request(url, headers=headers), None, patience.timeout
        )
    except HTTPError as error:
        with error:
            raise _judged(url, error, partial) from error
    except (URLError, HTTPException, OSError) as error:
        raise _unreached(url, error) from error
    with response:
        total = _begin(url, response, partial)
        _require_limit(url, total or 0, max_bytes, partial)
        with partial.appending() as file:
            for chunk in _chunks(response):
                file.write(chunk)
                _require_limit(url, file.tell(), max_bytes, partial)
                report(reporter, "downloading", file.tell(), total or max_bytes)
    if total is not None and partial.size < total:
        raise _Interrupted(f"the line was cut after {partial.size:,} of {total:,} bytes")
    partial.note_complete()


def _begin(url: str, response: HTTPResponse, partial: Partial) -> int | None:
    """Prepare the partial file for the body of a response; return the size of the whole file."""
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        first, total = _content_range(response.headers)
        if first == partial.size:
            return total
        partial.discard()
        raise _Interrupted("the server sent another range than the one asked for")
    if response.status != HTTPStatus.OK:
        raise DataError(f"Cannot download {url}: the server answered {response.status}.")
    length = response.headers["Content-Length"]
    total = int(length) if length and length.isdigit() else None
    partial.restart(
        Note(
            url=url,
            etag=response.headers["ETag"],
            last_modified=response.headers["Last-Modified"],
            total=total,
        )
    )
    return total


def _content_range(headers: HTTPMessage) -> tuple[int | None, int | None]:
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers["Content-Range"] or "")
    if found is None:
        return None, None
    return int(found[1]), None if found[2] == "*" else int(found[2])


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    """Yield what arrives as it arrives, so that nothing of it is lost if the connection dies."""
    while True:
        try:
            chunk = response.read1(_CHUNK)
        except TimeoutError as error:
            raise _Interrupted("the server fell silent") from error
        except (HTTPException, OSError) as error:
            raise _Interrupted(f"the line was cut ({_reason(error)})") from error
        if not chunk:
            return
        yield chunk


def _judged(url: str, error: HTTPError, partial: Partial) -> Exception:
    """Return what an answer of 300 and above means: a retry, or the end."""
    said = f"the server answered {error.code} {error.reason}"
    if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        partial.discard()
    if error.code >= 500 or error.code in _TRANSIENT:
        return _Interrupted(said, _retry_after(error.headers))
    if error.code < 400:
        said = "it redirects in a circle, too often, or off the web"
    return DataError(f"Cannot download {url}: {said}.")


def _unreached(url: str, error: Exception) -> Exception:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return DataError(
            f"Cannot download {url}: its certificate cannot be verified "
            f"({reason.verify_message}). Where the network has a certificate authority of its own, "
            "set SSL_CERT_FILE to its file."
        )
    if isinstance(reason, TimeoutError):
        return _Interrupted("the server did not answer in time")
    return _Interrupted(f"the server cannot be reached ({_reason(reason)})")


def _reason(error: object) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _retry_after(headers: Message) -> float:
    """Return the seconds that a server asks to wait, given as a number or as a date."""
    text = headers.get("Retry-After") or ""
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):  # no date, or one without a time zone
        return 0.0


def _require_limit(url: str, size: int, max_bytes: int, partial: Partial) -> None:
    if size > max_bytes:
        partial.discard()
        raise DataError(
            f"Cannot download {url}: the file there is larger than the {max_bytes:,} bytes that "
            "the archive may have. It is another one."
        )


def _in_mebibytes(size: int) -> str:
    return f"{size / MEBIBYTE:,.1f} MiB"


def report(reporter: Reporter, what: str, done: int, total: int) -> None:
    """Report progress in bytes as mebibytes; the task ends only with the last byte."""
    total = max(total, done)
    rest = -(-(total - done) // MEBIBYTE)
    whole = max(1, -(-total // MEBIBYTE))
    reporter.progress(f"{what}, MiB", whole - rest, whole)


class _Redirects(HTTPRedirectHandler):
    """Follows redirects only to the web, and not from https to http."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme != "https" and (scheme != "http" or req.type == "https"):
            fp.close()
            raise DataError(
                f"Cannot download {req.full_url}: it redirects to {newurl}, which is not followed."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)
