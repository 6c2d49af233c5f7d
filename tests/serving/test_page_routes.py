import asyncio

import pytest

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
