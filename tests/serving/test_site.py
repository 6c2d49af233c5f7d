"""The site from its first moment to its last, and connections without a request."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dlmath.errors import RunError
from dlmath.serving.limits import Limits
from dlmath.serving.protocol import bounded_protocol
from dlmath.serving.site import Rooms, Site


@pytest.fixture
def anyio_backend() -> str:
    """Uvicorn's event loop is asyncio's."""
    return "asyncio"


def room(text: str) -> Starlette:
    async def say(_: Request) -> PlainTextResponse:
        return PlainTextResponse(text)

    return Starlette(routes=[Route("/{path:path}", say)])


class Opening:
    """Loads rooms when it is let, and remembers what happened."""

    def __init__(self, error: BaseException | None = None, *, with_page: bool = True):
        self.let, self.done = threading.Event(), threading.Event()
        self.error = error
        self.with_page = with_page
        self.heard: list[BaseException | None] = []
        self.closed = False

    def load(self) -> Rooms:
        self.let.wait()
        if self.error is not None:
            raise self.error
        return Rooms(room("api"), room("page") if self.with_page else None, self.close)

    def loaded(self, error: BaseException | None) -> None:
        self.heard.append(error)
        self.done.set()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def opening() -> Iterator[Opening]:
    found = Opening()
    yield found
    found.let.set()


def test_it_says_that_it_is_starting_until_it_is_ready(opening: Opening) -> None:
    with TestClient(Site(opening.load, opening.loaded)) as client:
        assert client.get("/healthz").text == "ok\n"
        assert client.get("/readyz").status_code == 503
        early = client.post("/predict")
        assert (early.status_code, early.headers["retry-after"]) == (503, "1")
        assert "refresh" in client.get("/").text
        for path in ("/", "/readyz", "/metrics", "/v1/models/x", "/v1/models/x/metadata", "/else"):
            early = client.get(path)
            assert (early.status_code, early.headers["retry-after"]) == (503, "1"), path

        opening.let.set()
        opening.done.wait()

        assert client.get("/predict").text == "api"
        assert client.get("/v1/models/x").text == "api"
        assert client.get("/").text == "page"
        assert not opening.closed
    assert opening.closed
    assert opening.heard == [None]


def test_a_site_that_stops_is_not_ready_and_answers_what_it_is_asked(opening: Opening) -> None:
    opening.let.set()
    site = Site(opening.load, opening.loaded)
    with TestClient(site) as client:
        opening.done.wait()
        site.stop()

        assert client.get("/readyz").status_code == 503
        assert client.get("/predict").text == "api"


def test_without_a_page_the_way_leads_to_the_description() -> None:
    opening = Opening(with_page=False)
    opening.let.set()
    with TestClient(Site(opening.load, opening.loaded), follow_redirects=False) as client:
        opening.done.wait()

        assert client.get("/").headers["location"] == "/docs"
        assert client.get("/else").text == "api"


def test_what_fails_at_the_start_is_heard_of() -> None:
    opening = Opening(RunError("damaged"))
    opening.let.set()
    with TestClient(Site(opening.load, opening.loaded)) as client:
        opening.done.wait()

        assert client.get("/readyz").status_code == 503
    assert opening.heard == [opening.error]


@pytest.mark.parametrize("ends_itself", [False, True])
def test_a_stream_without_an_end_is_cut_at_the_stop(opening: Opening, ends_itself: bool) -> None:
    opening.let.set()
    begun = threading.Event()

    async def endless(scope: dict, receive: object, send: object) -> None:  # type: ignore[type-arg]
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            if ends_itself:
                await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    site = Site(opening.load, opening.loaded)
    with TestClient(site) as client:
        opening.done.wait()
        assert site._rooms is not None
        assert site._rooms.page is not None
        site._rooms.page.mount("/gradio_api/heartbeat", endless)  # type: ignore[arg-type]
        site._rooms.page.routes.reverse()
        assert client.portal is not None
        client.portal.start_task_soon(_stop_after, site, begun)

        assert client.get("/gradio_api/heartbeat/1").content == b""


async def _stop_after(site: Site, begun: threading.Event) -> None:
    await asyncio.to_thread(begun.wait)
    site.stop()


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def opened(limits: Limits, number: int) -> AsyncIterator[list[Connection]]:
    """Give connections to a server with the bounded protocol, half a head sent on the first."""
    config = uvicorn.Config(PlainTextResponse("in"), lifespan="off", log_config=None)
    state = uvicorn.server.ServerState()
    protocol = bounded_protocol(limits)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found = [await asyncio.open_connection("127.0.0.1", port) for _ in range(number)]
    found[0][1].write(b"GET / HTTP/1.1\r\nHo")
    yield found
    for _, writer in found:
        writer.close()
        await writer.wait_closed()
    server.close()
    await server.wait_closed()


@pytest.mark.anyio
async def test_half_a_head_is_waited_for_so_long() -> None:
    async with opened(Limits(head_seconds=0.05), 1) as ((reader, _),):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 408 ")
    assert "within 0.05 seconds" in json.loads(body)["error"]


@pytest.mark.anyio
async def test_no_more_connections_are_held_than_the_limit() -> None:
    async with opened(Limits(connections=2, head_seconds=600), 3) as found:
        (first, kept), _, (last, _) = found
        refused = await last.read()
        kept.write(b"st: localhost\r\nConnection: close\r\n\r\n")
        answered = await first.read()

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1" in refused
    assert answered.endswith(b"in")
