"""HTTP over sockets: what no well-behaved client sends can be sent too; see `load.py`."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Request:
    """One request, not sent yet.

    Attributes:
        path: Such as `/predict`.
        body: Whole.
        content_type: Of the body.
        method: POST, mostly.
        headers: Further ones; `Host` and `Content-Length` may be put otherwise than they are.
    """

    path: str
    body: bytes = b""
    content_type: str = "application/json"
    method: str = "POST"
    headers: Mapping[str, str] | None = None

    def head(self, port: int) -> bytes:
        fields = {
            "Host": f"{HOST}:{port}",
            "Content-Type": self.content_type,
            "Content-Length": str(len(self.body)),
            "Connection": "close",
            **(self.headers or {}),
        }
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


async def send(port: int, request: Request, *, pause: float = 0, piece: int = 2**18) -> Response:
    """Send a request and return the answer.

    Args:
        port: On the loopback.
        request: What to send.
        pause: Seconds between two pieces of the body.
        piece: Bytes of one.

    Raises:
        ConnectionError: The connection ended without a whole answer.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    answer = asyncio.ensure_future(_read(reader))
    try:
        with suppress(ConnectionError):  # the answer may have come although nobody reads on
            writer.write(request.head(port))
            for first in range(0, len(request.body), piece):
                if answer.done():  # refused before all was sent
                    break
                writer.write(request.body[first : first + piece])
                await writer.drain()
                if pause:
                    await asyncio.wait([answer], timeout=pause)
        return await answer
    finally:
        answer.cancel()
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Response:
    """Read an answer to its end, which need not be that of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in fields.items()}
        body = await reader.readexactly(int(headers["content-length"]))
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError(f"no whole answer: {error.partial[:80]!r}") from error
    return Response(int(first.split()[1]), headers, body)


async def cut_off(port: int, request: Request, share: float) -> None:
    """Send a part of a request, then reset the connection."""
    _, writer = await asyncio.open_connection(HOST, port)
    whole = request.head(port) + request.body
    writer.write(whole[: int(share * len(whole))])
    await writer.drain()
    connection = writer.get_extra_info("socket")
    # Lingering for no time: the other side sees a reset, not an end.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
