"""Of Gradio's addresses only those that the page needs.

Gradio also serves files, fetches other hosts' addresses for a client, takes uploads, and runs
functions by name. The page needs none of these, so that they are not there.
"""

import json

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dlmath.serving.refusal import Refusal
from dlmath.serving.replies import answer_refusal

_API = "/gradio_api/"
_NEEDED = ("queue/join", "queue/data", "heartbeat/")
_CLOSED = ("/svelte/", "/deep_link", "/monitoring", "/login", "/logout", "/pwa_icon", "/manifest")


class OnlyThePage:
    """Answers 404 for the addresses of a mounted Gradio application that its page does not use.

    What that application itself refuses has the one form of refusals, `{"error": reason}`, too.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif is_needed(scope["path"]):
            await _OneForm(scope, receive, send).answer(self.app)
        else:
            await answer_refusal(scope, not_there())(scope, receive, send)


def not_there(status: int = 404) -> Refusal:
    """Return the refusal of an address (404), or of a method of it (405)."""
    reasons = {404: "There is nothing at this address.", 405: "This address takes another method."}
    return Refusal(status, reasons[status], code="address")


class _OneForm:
    """An answer on its way, which is replaced where it is an error in JSON of another form."""

    def __init__(self, scope: Scope, receive: Receive, send: Send):
        self._of = (scope, receive, send)
        self._status = 0  # of an error that is held back
        self._body = b""

    async def answer(self, app: ASGIApp) -> None:
        """Let the application answer."""
        scope, receive, send = self._of
        await app(scope, receive, self._sending)
        if self._status:
            await answer_refusal(scope, self._refusal())(scope, receive, send)

    async def _sending(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_error(message):
            self._status = message["status"]
        elif self._status:
            self._body += message.get("body", b"")
        else:
            await self._of[2](message)

    def _refusal(self) -> Refusal:
        if self._status in (404, 405):
            return not_there(self._status)
        try:
            said = json.loads(self._body)
        except ValueError:
            said = None
        reason = said.get("detail") if isinstance(said, dict) else None
        if not isinstance(reason, str):
            reason = "This address takes requests of another form."
        return Refusal(self._status, reason, code="page")


def _is_error(start: Message) -> bool:
    kind = Headers(raw=start.get("headers", [])).get("content-type", "")
    return bool(start["status"] >= 400) and kind.startswith("application/json")


def is_needed(path: str) -> bool:
    """Whether the page asks for this address."""
    if path.startswith(_API):
        return path.removeprefix(_API).startswith(_NEEDED)
    return not path.startswith(_CLOSED)
