"""Bounds on connections that uvicorn does not have: how many are open, how slow a head may come.

A client that opens connections and sends a byte now and then ("slowloris") would otherwise hold
them for ever; uvicorn's own timeout is for connections between two requests.
"""

import asyncio
import json

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from dlmath.serving.limits import Limits


def bounded_protocol(limits: Limits) -> type[H11Protocol]:
    """Return uvicorn's HTTP protocol with these limits."""

    class BoundedProtocol(H11Protocol):
        """One connection."""

        _head_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                self._answer_and_close(503, "There are too many connections. Try again.")
            else:
                self._watch_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget_head()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            super().data_received(data)
            self._watch_head()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.conn.their_state is not h11.IDLE:  # the next request was here already
                self._forget_head()

        def send_400_response(self, msg: str) -> None:
            self._answer_and_close(400, msg)

        def _watch_head(self) -> None:
            """Start the clock where a head is waited for, and stop it where one has arrived."""
            if self.conn.their_state is not h11.IDLE:
                self._forget_head()
            elif self._head_timer is None:
                self._head_timer = self.loop.call_later(limits.head_seconds, self._head_is_late)

        def _forget_head(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _head_is_late(self) -> None:
            self._head_timer = None
            if not self.transport.is_closing():
                self._answer_and_close(
                    408, f"The request did not arrive within {limits.head_seconds:g} seconds."
                )

        def _answer_and_close(self, status: int, reason: str) -> None:
            """Answer without a request, past h11, which would not allow it."""
            self._forget_head()
            phrase = {400: "Bad Request", 408: "Request Timeout", 503: "Service Unavailable"}
            body = json.dumps({"error": reason}).encode()
            retry = "Retry-After: 1\r\n" if status == 503 else ""
            head = (
                f"HTTP/1.1 {status} {phrase[status]}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n{retry}Connection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
            self.transport.close()

    return BoundedProtocol
