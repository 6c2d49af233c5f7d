"""The whole site: it answers at once, loads the model behind that, and ends in order."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dlmath.pages import page, paragraph
from dlmath.serving.observed import is_of_api
from dlmath.serving.refusal import Refusal
from dlmath.serving.replies import answer_refusal

# Gradio holds this answer open as long as its page is; nothing is lost when it ends.
_ENDLESS = "/gradio_api/heartbeat/"
_RELOAD = '<meta http-equiv="refresh" content="1">'


@dataclass(frozen=True)
class Rooms:
    """The parts that are loaded while the site already answers.

    Attributes:
        api: Answers the addresses of the API.
        page: Answers all others; None where there is no page.
        close: Answers what waits, and ends what computes; blocks.
    """

    api: Starlette
    page: Starlette | None
    close: Callable[[], None]


class Site:
    """An ASGI application that says it is starting until its rooms are loaded.

    Args:
        load: Loads the rooms, in a thread.
        loaded: Called when they are, or could not be: then with the error.
    """

    def __init__(self, load: Callable[[], Rooms], loaded: Callable[[BaseException | None], None]):
        self._load = load
        self._loaded = loaded
        self._rooms: Rooms | None = None
        self._stopping = asyncio.Event()  # nothing new comes, what has begun goes on
        self._ended = asyncio.Event()  # nothing is at work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope)(scope, receive, send)

    def stop(self) -> None:
        """Say from now on that the site is not ready, and end what would never end."""
        self._stopping.set()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        work = asyncio.create_task(self._run())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._ended.set()
        await work
        await send({"type": "lifespan.shutdown.complete"})

    async def _run(self) -> None:
        """Load the rooms, keep them open until the stop, and close them, all in one task."""
        try:
            rooms = await asyncio.to_thread(self._load)
        except BaseException as error:
            self._loaded(error)
            return
        async with AsyncExitStack() as opened:
            for room in (rooms.api, rooms.page):
                if room is not None:
                    await opened.enter_async_context(room.router.lifespan_context(room))
            self._rooms = rooms
            self._loaded(None)
            await self._ended.wait()
        await asyncio.to_thread(rooms.close)

    def _answer(self, scope: Scope) -> ASGIApp:
        path = scope["path"]
        if path == "/healthz" and self._rooms is None and scope["method"] == "GET":
            return PlainTextResponse("ok\n")
        if path == "/readyz" and self._stopping.is_set():
            return answer_refusal(
                scope, Refusal(503, "The server is stopping.", 1, code="stopping")
            )
        if self._rooms is None:
            return self._starting(scope)
        if self._rooms.page is None:
            return RedirectResponse("/docs") if path == "/" else self._rooms.api
        if is_of_api(path):
            return self._rooms.api
        return self._until_stop if path.startswith(_ENDLESS) else self._rooms.page

    def _starting(self, scope: Scope) -> Response:
        if scope["path"] != "/":
            starting = "The server is starting: it loads the model."
            return answer_refusal(scope, Refusal(503, starting, 1, code="starting"))
        text = page("dlmath is starting", [_RELOAD, paragraph("The model is being loaded.")])
        return HTMLResponse(text, 503, {"Retry-After": "1"})

    async def _until_stop(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the page until the server stops."""
        assert self._rooms is not None
        assert self._rooms.page is not None
        is_whole = False

        async def sending(message: Message) -> None:
            nonlocal is_whole
            is_whole = message["type"] == "http.response.body" and not message.get("more_body")
            await send(message)

        work = asyncio.ensure_future(self._rooms.page(scope, receive, sending))
        stop = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
        for one in (work, stop):
            one.cancel()
        await asyncio.gather(work, stop, return_exceptions=True)
        if not is_whole:  # some streams end themselves when they are cancelled
            await send({"type": "http.response.body", "body": b"", "more_body": False})
