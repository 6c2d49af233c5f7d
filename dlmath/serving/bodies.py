"""Bounds on the bodies of requests while they arrive: bytes, seconds, and memory of all together.

The claims of the header are checked first. A body may also come without a length (chunked) and
never end, so every piece is counted.
"""

import asyncio
import time
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dlmath.serving.limits import MEBIBYTE, Limits
from dlmath.serving.refusal import Refusal
from dlmath.serving.replies import answer_refusal

_LINGER_SECONDS = 2
_LINGER_BYTES = 16 * MEBIBYTE


class BoundedBodies:
    """Answers 408, 413, 415 or 503 in the place of an application that waits for a body.

    Args:
        app: Reads bodies.
        limits: See there.
    """

    def __init__(self, app: ASGIApp, limits: Limits):
        self.app = app
        self.limits = limits
        self.held = 0  # bytes of all bodies that arrived for requests without an answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(self, scope, receive, send)
        try:
            body.check_head()
            await self.app(scope, body.receive, body.send)
        except Exception:
            # The application may have failed in its own way over the body that it did not get.
            if body.refusal is None:
                raise
        finally:
            self.held -= body.size
        if body.refusal is not None and not body.is_answered:
            await body.answer_refusal()


class BodyRefused(HTTPException):
    """Takes an application out of reading; Starlette's and FastAPI's let it through."""


class _Body:
    """The body of one request."""

    def __init__(self, owner: BoundedBodies, scope: Scope, receive: Receive, send: Send):
        self.owner = owner
        self.limits = owner.limits
        self.scope = scope
        self.size = 0
        self.refusal: Refusal | None = None
        self.is_answered = False
        self._is_whole = False
        self._until = time.monotonic() + owner.limits.body_seconds
        self._receive = receive
        self._send = send

    def check_head(self) -> None:
        """Check what the header claims about the body."""
        headers = Headers(scope=self.scope)
        if headers.get("content-encoding", "identity").lower() != "identity":
            self._fail(Refusal(415, "A body must not be compressed.", code="content_encoding"))
        length = headers.get("content-length", "0")
        # Python refuses to read numbers of thousands of digits by an exception.
        if not length.isdecimal() or len(length) > 15 or int(length) > self.limits.body_bytes:
            self._fail(self._too_large())

    async def receive(self) -> Message:
        """Pass on a piece of the body, counted."""
        if self._is_whole:  # what comes now is the news that the client has gone
            return await self._receive()
        try:
            async with asyncio.timeout(self._until - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            seconds = self.limits.body_seconds
            late = f"The body did not arrive within {seconds:g} seconds."
            self._fail(Refusal(408, late, code="slow_body"))
        # A client that has gone sends a message without any of the two.
        self._is_whole = not message.get("more_body", False)
        self._count(len(message.get("body", b"")))
        return message

    async def send(self, message: Message) -> None:
        """Pass the answer on, unless the request is refused; a client that does not read is left.

        Raises:
            TimeoutError: It did not read in time.
        """
        if self.refusal is not None and not self.is_answered:
            return
        self.is_answered = True
        async with asyncio.timeout(self.limits.body_seconds):
            await self._send(message)

    async def answer_refusal(self) -> None:
        """Answer, and let the client come to an end of what it is still sending.

        Closing at once would reset the connection, and the client might never read the answer.
        """
        assert self.refusal is not None
        answer = answer_refusal(self.scope, self.refusal)
        answer.headers["Connection"] = "close"
        start = {"type": "http.response.start", "status": answer.status_code}
        await self._send({**start, "headers": answer.raw_headers})
        await self._send({"type": "http.response.body", "body": answer.body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                await self._pass_over()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pass_over(self) -> None:
        passed = 0
        while not self._is_whole and passed < _LINGER_BYTES:
            message = await self._receive()
            passed += len(message.get("body", b""))
            self._is_whole = not message.get("more_body", False)

    def _count(self, size: int) -> None:
        self.size += size
        self.owner.held += size
        if self.size > self.limits.body_bytes:
            self._fail(self._too_large())
        if self.owner.held > self.limits.bodies_bytes:
            busy = "The server holds too much at once. Try again."
            self._fail(Refusal(503, busy, 1, code="memory"))

    def _fail(self, refusal: Refusal) -> None:
        self.refusal = refusal
        raise BodyRefused(refusal.status, refusal.reason)

    def _too_large(self) -> Refusal:
        most = f"{self.limits.body_bytes / MEBIBYTE:g} MiB"
        return Refusal(413, f"The body of a request may have {most}.", code="body_bytes")
