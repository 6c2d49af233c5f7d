import asyncio
import json

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.testclient import TestClient

from dlmath.serving.page_routes import OnlyThePage, is_needed


@pytest.mark.parametrize(
    "path",
    ["/", "/theme.css", "/config", "/assets/index.js", "/static/img/logo.svg", "/favicon.ico"]
    + [f"/gradio_api/{name}" for name in ("queue/join", "queue/data", "heartbeat/abc")],
)
def test_what_the_page_asks_for_is_there(path):
    assert is_needed(path)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=http://example.org/",
        "/gradio_api/proxy=http://example.org/",
        "/gradio_api/run/predict",
        "/gradio_api/call/answer_sent",
        "/gradio_api/component_server",
        "/gradio_api/process_recording",
        "/gradio_api/info",
        "/gradio_api/runs",
        "/monitoring",
        "/login",
    ],
)
def test_what_else_gradio_does_is_not_there(path):
    assert not is_needed(path)


def test_a_closed_address_is_answered_404_and_not_handed_on():
    said = []

    async def never(scope, receive, send):
        raise AssertionError("handed on")

    async def send(message):
        said.append(message)

    scope = {"type": "http", "path": "/gradio_api/upload", "method": "POST", "headers": []}
    asyncio.run(OnlyThePage(never)(scope, None, send))
    assert said[0]["status"] == 404
    assert json.loads(said[1]["body"]) == {"error": "There is nothing at this address."}


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (JSONResponse({"detail": "Not Found"}, 404), 404, "There is nothing at this address."),
        (JSONResponse({"detail": "No"}, 405), 405, "This address takes another method."),
        (JSONResponse({"detail": "Queue is full."}, 503), 503, "Queue is full."),
        (JSONResponse({"detail": [{"loc": "x"}]}, 422), 422, "takes requests of another form"),
        (Response(b"no JSON", 500, media_type="application/json"), 500, "another form"),
    ],
)
def test_what_gradio_refuses_has_the_one_form(answer, status, error):
    found = TestClient(OnlyThePage(answer)).get("/gradio_api/queue/data")
    assert found.status_code == status
    assert found.json().keys() == {"error"}
    assert error in found.json()["error"]


@pytest.mark.parametrize(
    "answer", [JSONResponse({"detail": "fine"}), PlainTextResponse("no page", 404)]
)
def test_other_answers_of_gradio_stay_as_they_are(answer):
    found = TestClient(OnlyThePage(answer)).get("/config")
    assert (found.status_code, found.content) == (answer.status_code, answer.body)
