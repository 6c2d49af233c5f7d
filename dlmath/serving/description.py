"""Descriptions of answers for the OpenAPI page; `dlmath.serving.api` gives the answers."""

from typing import Any

_REASONS = {
    400: "The request is broken, or its JSON is not of this form.",
    401: "The token is missing or wrong; only beyond loopback.",
    403: "A page of another web site asked.",
    404: "There is no such model, version or map.",
    405: "This address takes another method.",
    408: "The request arrived too slowly.",
    413: "The request or an image is too large, or there are too many images.",
    415: "The body is of a type that is not taken, or a file is no image that is read.",
    421: "The Host header names another server.",
    422: "A file is damaged, or of a kind that cannot be used, or the form has no file.",
    500: "The server failed; its operator can see why.",
    503: "The server is full, starting or stopping: try again after the seconds in Retry-After.",
}
_EVERYWHERE = (401, 403, 405, 421, 500, 503)

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "Why, for a person to read."}},
    "example": {"error": "image 0: damaged, or broken off before its end"},
}
_PREDICTION = {
    "type": "object",
    "required": ["file"],
    "description": "An entry of the list that `dlmath predict --json` prints.",
    "properties": {
        "file": {"type": "string"},
        "class": {"type": "string"},
        "probabilities": {"type": "object", "additionalProperties": {"type": "number"}},
        "positive": {"type": ["boolean", "null"]},
        "ood_score": {"type": ["number", "null"]},
        "out_of_distribution": {"type": ["boolean", "null"]},
        "abstains": {"type": ["boolean", "null"]},
        "doubts": {"type": "array", "items": {"type": "string"}},
        "distance": {"type": ["number", "null"], "deprecated": True},
        "unusual": {"type": ["boolean", "null"], "deprecated": True},
        "error": {"type": "string"},
    },
}
PREDICTIONS = {"type": "array", "items": _PREDICTION}
_BASE64 = {
    "type": "object",
    "required": ["b64"],
    "properties": {"b64": {"type": "string", "contentEncoding": "base64"}},
    "additionalProperties": False,
}
_NAMED = {
    "type": "object",
    "required": ["images"],
    "properties": {"images": _BASE64},
    "additionalProperties": False,
}
_OUTPUTS = {
    "type": "object",
    "required": ["probabilities", "classes", "decision"],
    "properties": {
        "probabilities": {"type": "array", "items": {"type": "number"}},
        "classes": {"type": "array", "items": {"type": "string"}},
        "decision": {"type": "string"},
        "positive": {"type": "boolean"},
        "ood_score": {"type": "number"},
        "out_of_distribution": {"type": "boolean"},
        "abstains": {"type": "boolean"},
        "distance": {"type": "number", "deprecated": True},
        "unusual": {"type": "boolean", "deprecated": True},
    },
}
TENSORFLOW_ANSWER = {
    "type": "object",
    "description": "`predictions` for a request with `instances`, `outputs` for one with `inputs`.",
    "properties": {
        "predictions": {"type": "array", "items": _OUTPUTS},
        "outputs": {"type": "object", "additionalProperties": {"type": "array"}},
    },
    "minProperties": 1,
    "maxProperties": 1,
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of these answers and of those that every address can give."""
    described: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, *_EVERYWHERE}):
        content = {"application/json": {"schema": _ERROR}}
        described[status] = {"description": _REASONS[status], "content": content}
    return described


def json_answer(description: str, schema: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Return the description of a good answer in JSON."""
    return {200: {"description": description, "content": {"application/json": {"schema": schema}}}}


def answer_of(description: str, media_type: str) -> dict[int | str, dict[str, Any]]:
    """Return the description of a good answer of another type."""
    schema = {"type": "string"}
    return {200: {"description": description, "content": {media_type: {"schema": schema}}}}


def files_body(most: int) -> dict[str, Any]:
    """Return the description of a form with 1 to `most` files."""
    one: dict[str, Any] = {"type": "string", "format": "binary"}
    files = one if most == 1 else {"type": "array", "items": one, "minItems": 1, "maxItems": most}
    schema = {"type": "object", "required": ["file"], "properties": {"file": files}}
    return {"requestBody": _required({"multipart/form-data": {"schema": schema}})}


def tensorflow_body(most: int) -> dict[str, Any]:
    """Return the description of a request with 1 to `most` images."""
    bounds = {"type": "array", "minItems": 1, "maxItems": most}
    rows = {**bounds, "items": {"oneOf": [_BASE64, _NAMED]}}
    column = {**bounds, "items": _BASE64}
    columns = {
        "type": "object",
        "required": ["images"],
        "properties": {"images": column},
        "additionalProperties": False,
    }
    signature = {"type": "string", "enum": ["serving_default"]}
    schema = {
        "oneOf": [
            _object_of("instances", rows, signature),
            _object_of("inputs", {"oneOf": [column, columns]}, signature),
        ]
    }
    example = {"instances": [{"b64": "iVBORw0KGgo..."}]}
    media = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": _required(media)}


def _object_of(name: str, value: dict[str, Any], signature: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name],
        "properties": {name: value, "signature_name": signature},
        "additionalProperties": False,
    }


def _required(content: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": content}
