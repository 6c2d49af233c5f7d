"""Answers in JSON. Every refusal has one form, `{"error": reason}`, that of TensorFlow Serving."""

import json
from typing import Any

from starlette.responses import Response
from starlette.types import Scope

from dlmath.serving.refusal import Refusal

# Where a refusal is noted for who counts and logs the request; see `dlmath.serving.observed`.
NOTED = "dlmath.refusal"


class Json(Response):
    """A JSON document; NaN, which is no JSON, would be a fault of ours."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the document as UTF-8."""
        # A file name may hold half of a pair of surrogates, which is no UTF-8.
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode(errors="replace")


def answer_refusal(scope: Scope, refusal: Refusal, **further: Any) -> Json:
    """Return what a client gets with a refusal; `further` fields stand next to the reason."""
    noted = scope.get(NOTED)
    if noted is not None:
        noted.append(refusal)
    headers = {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Json({"error": refusal.reason, **further}, refusal.status, headers)
