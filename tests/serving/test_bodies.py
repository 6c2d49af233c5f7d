"""Bounds on bodies that no client library would send: slow, endless, and many at once."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from dlmath.serving.bodies import BoundedBodies
from dlmath.serving.limits import Limits

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Uvicorn's event loop is asyncio's."""
    return "asyncio"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the length of the body."""
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
    """Take every fault for one of its own, as some frameworks do, and answer 500."""
    try:
        await echo(scope, receive, send)
    except Exception:
        await PlainTextResponse("mine", 500)(scope, receive, send)


def piece(size: int, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": bytes(size), "more_body": more}


async def ask(
    app: BoundedBodies, pieces: Iterable[Message], headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Return the status and the body of the answer; after the pieces nothing comes."""
    raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": raw}
    sent: list[Message] = []
    coming = iter(pieces)

    async def receive() -> Message:
        for message in coming:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert not sent[-1].get("more_body", False)
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent)


@pytest.mark.parametrize("app", [echo, deaf])
@pytest.mark.parametrize(
    ("pieces", "headers", "status"),
    [
        ([piece(100, more=False)], {}, 200),
        ([piece(60), piece(40, more=False)], {}, 200),
        ([piece(60), piece(41, more=False)], {}, 413),
        ([piece(0, more=False)], {"content-length": "101"}, 413),
        ([piece(0, more=False)], {"content-length": "-1"}, 413),
        ([piece(0, more=False)], {"content-length": "9" * 5000}, 413),
        ([piece(0, more=False)], {"content-encoding": "gzip"}, 415),
    ],
)
async def test_a_body_has_a_bound(
    app: Any, pieces: list[Message], headers: dict[str, str], status: int
) -> None:
    bounded = BoundedBodies(app, Limits(body_bytes=100))

    assert (await ask(bounded, pieces, headers))[0] == status
    assert bounded.held == 0


@pytest.mark.parametrize("app", [echo, deaf])
async def test_a_body_that_never_ends_is_late(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlmath.serving.bodies._LINGER_SECONDS", 0.01)
    status, body = await ask(BoundedBodies(app, Limits(body_seconds=0.05)), [piece(3)])

    assert status == 408
    assert b"within 0.05 seconds" in body


async def test_all_bodies_together_have_a_bound() -> None:
    inside = asyncio.Event()
    leave = asyncio.Event()

    async def holding(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        inside.set()
        await leave.wait()
        await PlainTextResponse("kept")(scope, receive, send)

    bounded = BoundedBodies(holding, Limits(body_bytes=100, bodies_bytes=150))
    first = asyncio.create_task(ask(bounded, [piece(100, more=False)]))
    await inside.wait()

    second = await ask(bounded, [piece(100, more=False)])
    leave.set()

    assert second[0] == 503
    assert (await first)[0] == 200
    assert bounded.held == 0


async def test_a_client_that_does_not_read_its_answer_is_left() -> None:
    bounded = BoundedBodies(echo, Limits(body_seconds=0.05))

    async def never(message: Message) -> None:
        await asyncio.Event().wait()

    async def receive() -> Message:
        return piece(1, more=False)

    with pytest.raises(TimeoutError):
        await bounded(
            {"type": "http", "method": "POST", "path": "/", "headers": []}, receive, never
        )


async def test_a_stream_passes_as_it_is() -> None:
    async def events() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"%d" % number

    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        async for event in events():
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    assert await ask(BoundedBodies(streaming, Limits()), []) == (200, b"012")
