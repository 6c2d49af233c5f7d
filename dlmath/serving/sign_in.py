"""The token in a browser: a page that asks for it, so that it need not stand in an address."""

import asyncio
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope

from dlmath.pages import page, paragraph
from dlmath.serving.refusal import Refusal

_FORM_BYTES = 4096
_FORM_SECONDS = 10
_FORM = (
    '<form method="post" action="./"><p><label>Token <input type="password" name="token" required '
    'autofocus autocomplete="current-password"></label> <button>Open the page</button></p></form>'
)


def asking_page(*, was_wrong: bool) -> HTMLResponse:
    """Return the page that asks a visitor for the token."""
    wrong = [paragraph("That is not the token of this server.", "error")] if was_wrong else []
    told = paragraph("It was printed where the server was started, or chosen there (DLMATH_TOKEN).")
    body = [*wrong, paragraph("This server answers those who know its token."), _FORM, told]
    return HTMLResponse(page("dlmath: sign in", body), 401, {"Cache-Control": "no-store"})


async def read_token(scope: Scope, receive: Receive) -> str:
    """Return the token in the body of that form, or nothing where there is none.

    Raises:
        Refusal: The body is too large (413) or too slow (408).
    """
    body = b""
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            async for piece in Request(scope, receive).stream():
                body += piece
                if len(body) > _FORM_BYTES:
                    raise Refusal(413, "The form is too large.", code="body_bytes")
    except TimeoutError as error:
        raise Refusal(408, "The form did not arrive in time.", code="slow_body") from error
    return parse_qs(body.decode(errors="replace")).get("token", [""])[0]
