"""Middleware around every request: counts it, logs one line, and hides faults of the server."""

import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dlmath.serving.refusal import Refusal
from dlmath.serving.replies import NOTED, answer_refusal
from dlmath.terminal_text import visible

FIXED = ("/predict", "/explain", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json")
MODELS = "/v1/models/"

# The page is Gradio's, whose scripts stand in it; what it may load and ask is only this server.
_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'self'; "
    "form-action 'self'; base-uri 'self'; object-src 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}

_GONE = 499  # nginx's number; HTTP has none for an answer that no one gets

# Route, status, seconds, and the refusal if it was one.
Note = Callable[[str, int, float, Refusal | None], None]


class Observed:
    """Stands around everything else.

    Args:
        app: Answers.
        note: Receives each request that was answered.
        log: Takes one line a request, with the time of the answer, without names of files or
            addresses of clients; None for no log.
        debug: Whether to write the tracebacks of our faults to stderr.
    """

    def __init__(
        self,
        app: ASGIApp,
        note: Note,
        log: Callable[[str], Any] | None = None,
        *,
        debug: bool = False,
    ):
        self.app = app
        self.note = note
        self.log = log
        self.debug = debug

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.monotonic()
        status = 0
        noted: list[Refusal] = []
        scope[NOTED] = noted

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except ClientDisconnect:  # while its body was read: no fault of ours, and no one to answer
            status = _GONE  # whatever the application tried to say
            noted.append(Refusal(_GONE, "The client has gone.", code="gone"))
        except Exception as error:
            self._report(error)
            if not status:
                fault = Refusal(500, "The server failed over this request.", code="fault")
                await answer_refusal(scope, fault)(scope, receive, sending)
        finally:
            seconds = time.monotonic() - began
            route = route_of(scope["path"])
            # The last one was sent: a bound on bodies answers in the place of what it ended.
            refusal = noted[-1] if noted else None
            self.note(route, status, seconds, refusal)
            if self.log:
                reason = f"  {refusal.code}" if refusal else ""
                line = f"{scope['method']} {route} {status} {1000 * seconds:.0f} ms{reason}"
                self.log(f"{_now()} {line}")

    def _report(self, error: Exception) -> None:
        """Report a fault to the operator, not to the client."""
        what = f"{type(error).__name__}: {error}"
        if self.debug:
            what = "".join(traceback.format_exception(error))
        sys.stderr.write(visible(f"{_now()} Fault while answering: {what}\n"))
        sys.stderr.flush()


def _now() -> str:
    """Return the time of this machine with its distance from UTC, to the second (ISO 8601)."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def route_of(path: str) -> str:
    """Return the route of a path, one of few: a client may ask for any number of paths."""
    if path in FIXED:
        return path
    if not path.startswith(MODELS):
        return "page"
    for end in (":predict", "/metadata"):
        if path.endswith(end):
            return f"{MODELS}{{name}}{end}"
    return f"{MODELS}{{name}}"


def is_of_api(path: str) -> bool:
    """Return whether a path belongs to the API, and not to the page."""
    return path in FIXED or path.startswith("/v1")
