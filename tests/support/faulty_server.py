"""A server on this machine that gives out one file, and can fail in every way that servers do."""

import hashlib
import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODIFIED = "Mon, 06 Jan 2020 10:00:00 GMT"


@dataclass(frozen=True)
class Reply:
    """How one request is answered; as it stands, the way a sound server does."""

    status: int | None = None  # instead of 200 or 206; no file is sent with it
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None  # instead of the server's file
    length: int | None = None  # what Content-Length claims; -1: there is none
    cut_after: int | None = None  # bytes of this reply's body, after which the line dies
    stall_after: int | None = None  # bytes, after which the server falls silent
    ranges: bool = True  # whether Range is understood
    etag: bool = True  # whether files are told apart by an entity tag
    shift: int = 0  # sends the range from so many bytes further on


SOUND = Reply()


@dataclass(frozen=True)
class Received:
    """A request and how it was answered."""

    path: str
    range: str | None
    if_range: str | None
    status: int


class FaultyServer(ThreadingHTTPServer):
    """Answers the first requests as `replies` say, one after the other, and the rest as `then`."""

    daemon_threads = True

    def __init__(self, content: bytes, replies: Sequence[Reply] = (), then: Reply = SOUND):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.then = then
        self.received: list[Received] = []
        self.reached = threading.Event()  # a cut or a stall came about
        self.released = threading.Event()  # ends all stalls
        self._replies = list(replies)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/archive.zip"

    def be_sound(self) -> None:
        """Forget all that was to fail, and what was asked so far."""
        with self._lock:
            self._replies.clear()
            self.then, self.received = SOUND, []

    def next_reply(self) -> Reply:
        with self._lock:
            return self._replies.pop(0) if self._replies else self.then

    def handle_error(self, *_: object) -> None:
        """Keep silent: clients that go away are what is tested."""


@contextmanager
def serve(
    content: bytes, replies: Sequence[Reply] = (), then: Reply = SOUND
) -> Iterator[FaultyServer]:
    """Run a server for the block."""
    with FaultyServer(content, replies, then) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def do_GET(self) -> None:
        self.close_connection = True
        reply = self.server.next_reply()
        content = self.server.content if reply.content is None else reply.content
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"' if reply.etag else None
        first = self._first_byte(reply, etag)
        status = reply.status or (200 if first is None else 206)
        if reply.status is None and first is not None and first >= len(content):
            status = 416
        headers, body = {"Connection": "close"}, b""
        if status in (200, 206):
            body = content[(first or 0) + reply.shift :]
            headers["Last-Modified"] = MODIFIED
            headers |= {"ETag": etag} if etag else {}
        if status == 206:
            begin = (first or 0) + reply.shift
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        if reply.length != -1:
            headers["Content-Length"] = str(len(body) if reply.length is None else reply.length)
        asked, condition = self.headers["Range"], self.headers["If-Range"]
        self.server.received.append(Received(self.path, asked, condition, status))
        self.send_response(status)
        for name, value in (headers | dict(reply.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # the client went away
            self._send(body, reply)

    def _first_byte(self, reply: Reply, etag: str | None) -> int | None:
        """Return where the range that is asked for begins, if it is to be sent."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        if not reply.ranges or asked is None:
            return None
        return int(asked[1]) if self.headers["If-Range"] in (None, etag or MODIFIED) else None

    def _send(self, body: bytes, reply: Reply) -> None:
        stop = reply.cut_after if reply.stall_after is None else reply.stall_after
        self.wfile.write(body[:stop])
        self.wfile.flush()
        if stop is not None:
            self.server.reached.set()
        if reply.stall_after is not None:
            self.server.released.wait(60)
        if reply.cut_after is not None:
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Keep silent."""
