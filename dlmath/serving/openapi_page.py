"""The OpenAPI description as a page of its own: FastAPI's would load scripts from another host."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi.responses import HTMLResponse

from dlmath.pages import fold, heading, link, page, paragraph, table


def api_page(openapi: dict[str, Any]) -> HTMLResponse:
    """Return a page that lists every address, what it takes and what it answers."""
    info = openapi["info"]
    body = [paragraph(info["description"]), link("/openapi.json", "openapi.json")]
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            body += _operation(f"{method.upper()} {path}", operation)
    return HTMLResponse(page(f"{info['title']}, HTTP API", body))


def _operation(address: str, operation: dict[str, Any]) -> Iterator[str]:
    yield heading(address)
    yield paragraph(operation["summary"] + ".")
    if told := operation.get("description"):
        yield paragraph(" ".join(told.split()))
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield fold(f"Body: {media}", _code(content))
    rows = [
        (status, answer["description"], ", ".join(answer.get("content", {})))
        for status, answer in operation["responses"].items()
    ]
    yield fold("Answers", table(("status", "when", "type"), rows))


def _code(value: Any) -> str:
    return f'<div class="scroll"><pre>{escape(json.dumps(value, indent=2))}</pre></div>'
