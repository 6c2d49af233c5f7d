"""The two forms in which the HTTP API of `dlmath serve` is asked about images."""

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

from raw_http import Request  # next to this file


def in_json(name: str, files: Mapping[str, bytes]) -> Request:
    """Return a request in the form of TensorFlow Serving's REST API."""
    instances = [{"b64": base64.b64encode(content).decode()} for content in files.values()]
    body = json.dumps({"instances": instances}).encode()
    return Request(f"/v1/models/{name}:predict", body)


def with_files(files: Mapping[str, bytes]) -> Request:
    """Return a request as a form with files in it."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content in files.items()
    ]
    body = b"".join([*parts, f"--{boundary}--\r\n".encode()])
    return Request("/predict", body, f"multipart/form-data; boundary={boundary}")


def entries_in(answer: Any) -> list[dict[str, Any]]:
    """Return what was said of each image in either form, as `dlmath predict --json` prints it."""
    return answer if isinstance(answer, list) else [_entry(one) for one in answer["predictions"]]


def _entry(one: dict[str, Any]) -> dict[str, Any]:
    probabilities = dict(zip(one["classes"], one["probabilities"], strict=True))
    return {"class": one["decision"], "probabilities": probabilities, "abstains": one["abstains"]}
