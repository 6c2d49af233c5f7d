"""Of Gradio's addresses only those that the page needs.

Gradio also serves files, fetches other hosts' addresses for a client, takes uploads, and runs
functions by name. The page needs none of these, so that they are not there.
"""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_API = "/gradio_api/"
_NEEDED = ("queue/join", "queue/data", "heartbeat/")
_CLOSED = ("/svelte/", "/deep_link", "/monitoring", "/login", "/logout", "/pwa_icon", "/manifest")


class OnlyThePage:
    """Answers 404 for the addresses of a mounted Gradio application that its page does not use."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_needed(scope["path"]):
            await PlainTextResponse("Not found.\n", 404)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def is_needed(path: str) -> bool:
    """Whether the page asks for this address."""
    if path.startswith(_API):
        return path.removeprefix(_API).startswith(_NEEDED)
    return not path.startswith(_CLOSED)
