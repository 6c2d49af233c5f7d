"""Every request is counted; a client that goes away is no fault, and a fault is not shown."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from dlmath.serving.observed import Observed, route_of

SCOPE = {"type": "http", "method": "POST", "path": "/predict", "headers": []}


def observed(error: Exception) -> tuple[list[Any], list[Message]]:
    """Return what was noted of a request over which the application fails, and what was sent."""
    notes: list[Any] = []
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    asyncio.run(Observed(app, lambda *note: notes.append(note))(dict(SCOPE), receive, send))
    return notes, sent


def test_a_client_that_goes_away_is_counted_and_is_no_fault(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ((route, status, _, refusal),), sent = observed(ClientDisconnect())
    assert (route, status, refusal.code) == ("/predict", 499, "gone")
    assert sent == []
    assert capsys.readouterr().err == ""


def test_a_fault_is_told_to_the_operator_alone(capsys: pytest.CaptureFixture[str]) -> None:
    ((_, status, _, _),), sent = observed(ValueError("the secret"))
    assert status == 500
    assert b"secret" not in sent[-1]["body"]
    assert "Fault while answering: ValueError: the secret" in capsys.readouterr().err


def test_a_line_begins_with_the_time_and_ends_with_the_duration() -> None:
    said: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Message) -> None:
        pass

    before = datetime.now().astimezone().replace(microsecond=0)
    asyncio.run(Observed(app, lambda *_: None, said.append)(dict(SCOPE), None, send))
    (line,) = said
    time, *rest = line.split()
    assert before <= datetime.fromisoformat(time) <= datetime.now().astimezone()
    assert datetime.fromisoformat(time).utcoffset() is not None
    assert rest[0] == SCOPE["method"]
    assert rest[-1] == "ms"


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/models/cells", "/v1/models/{name}"),
        ("/v1/models/cells:predict", "/v1/models/{name}:predict"),
        ("/v1/models/cells/versions/1/metadata", "/v1/models/{name}/metadata"),
        ("/assets/x.js", "page"),
    ],
)
def test_a_path_is_counted_as_one_of_few(path: str, route: str) -> None:
    assert route_of(path) == route
