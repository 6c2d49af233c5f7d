"""The REST form of TensorFlow Serving: read its requests, write its answers.

A client of the SavedModel export behind TensorFlow Serving gets the same outputs here.

Source: https://www.tensorflow.org/tfx/serving/api_rest, "Predict API" and "Model Metadata
API".
"""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from dlmath.inference.decision_rule import DecisionRule
from dlmath.inference.outcome import EARLIER_NAMES, Prediction
from dlmath.serving.limits import Limits
from dlmath.serving.refusal import Refusal

SIGNATURE = "serving_default"
INPUT = "images"
_VALUES_OF_AN_IMAGE = 16  # in its JSON, with room for a form of another day
_LINES = str.maketrans("", "", " \t\r\n")  # what tools wrap base64 with, as `base64` does by itself
_FIELDS = {"instances", "inputs", "signature_name"}


class PredictRequest(NamedTuple):
    """The images of a predict request.

    Attributes:
        images: Whole image files.
        is_columnar: Whether they came as `inputs`, so that the answer is one of columns.
    """

    images: list[bytes]
    is_columnar: bool


def read_request(body: bytes, limits: Limits) -> PredictRequest:
    """Read the body of a predict request.

    Raises:
        Refusal: It is no JSON (400), not of this form (400), too many images or too large (413).
    """
    _check_value_count(body, limits)
    document = _parse(body)
    if not isinstance(document, dict):
        raise Refusal(400, "The body must be a JSON object. Received: " + _kind(document))
    if unknown := sorted(document.keys() - _FIELDS):
        raise Refusal(400, f"Unknown field {_shown(unknown[0])}. Known: {_listed(_FIELDS)}.")
    if document.get("signature_name", SIGNATURE) != SIGNATURE:
        raise Refusal(400, f"The only signature here is {SIGNATURE!r}.")
    if ("instances" in document) == ("inputs" in document):
        raise Refusal(400, "Give either `instances`, a list of rows, or `inputs`, of columns.")
    is_columnar = "inputs" in document
    rows = _column(document["inputs"]) if is_columnar else _rows(document["instances"])
    if not 0 < len(rows) <= limits.images:
        raise Refusal(
            413 if rows else 400,
            f"A request may have 1 to {limits.images} images. Received: {len(rows)}",
            code="images",
        )
    return PredictRequest([_file(row, place) for place, row in enumerate(rows)], is_columnar)


def write_answer(predictions: Sequence[Prediction], *, is_columnar: bool) -> dict[str, Any]:
    """Return the answer to a predict request."""
    rows = [_outputs(one) for one in predictions]
    if not is_columnar:
        return {"predictions": rows}
    return {"outputs": {name: [row[name] for row in rows] for name in rows[0]}}


def _outputs(prediction: Prediction) -> dict[str, Any]:
    """Return the outputs of a SavedModel's `serving_default` for one image."""
    assert prediction.probabilities is not None
    further = ("positive", "ood_score", "out_of_distribution", "abstains")
    known = {name: getattr(prediction, name) for name in further}
    known |= {earlier: known[name] for name, earlier in EARLIER_NAMES.items()}
    return {
        "probabilities": list(prediction.probabilities.values()),
        "classes": list(prediction.probabilities),
        "decision": prediction.decision,
        **{name: value for name, value in known.items() if value is not None},
    }


def metadata(rule: DecisionRule, name: str, version: str) -> dict[str, Any]:
    """Return the signature of a model as TensorFlow Serving describes it ("Model Metadata API").

    Args:
        rule: Decides which outputs there are.
        name: Of the model, in addresses.
        version: Of the model, in addresses.
    """
    signature = {
        "inputs": {INPUT: _tensor(INPUT, "DT_STRING")},
        "outputs": {one: _tensor(one, *kind) for one, kind in _output_kinds(rule).items()},
        "method_name": "tensorflow/serving/predict",
    }
    return {
        "model_spec": {"name": name, "signature_name": "", "version": version},
        "metadata": {"signature_def": {"signature_def": {SIGNATURE: signature}}},
    }


def _output_kinds(rule: DecisionRule) -> dict[str, tuple[str, *tuple[int, ...]]]:
    """Return type and further axes of each output that `_outputs` gives for some image."""
    number = len(rule.classes)
    kinds: dict[str, tuple[str, *tuple[int, ...]]] = {
        "probabilities": ("DT_FLOAT", number),
        "classes": ("DT_STRING", number),
        "decision": ("DT_STRING",),
    }
    if rule.positive_index is not None:
        kinds["positive"] = ("DT_BOOL",)
    if rule.ood_score is not None:
        kinds["ood_score"] = kinds["distance"] = ("DT_FLOAT",)
        if rule.abstention.ood_score is not None:
            kinds["out_of_distribution"] = kinds["unusual"] = ("DT_BOOL",)
    if rule.abstention.confidence is not None or "unusual" in kinds:
        kinds["abstains"] = ("DT_BOOL",)
    return kinds


def _tensor(name: str, kind: str, *further: int) -> dict[str, Any]:
    sizes = [{"size": str(size), "name": ""} for size in (-1, *further)]
    shape = {"dim": sizes, "unknown_rank": False}
    return {"dtype": kind, "tensor_shape": shape, "name": f"{SIGNATURE}_{name}:0"}


def _check_value_count(body: bytes, limits: Limits) -> None:
    """Refuse what would become thirty times as large in memory: `[],` is 3 bytes, a list 64."""
    values = sum(body.count(mark) for mark in (b"[", b"{", b","))
    if values > _VALUES_OF_AN_IMAGE * (limits.images + 1):
        raise Refusal(400, "The JSON has too many values. An image is one file in base64.")


def _parse(body: bytes) -> Any:
    """Parse JSON as RFC 8259 has it; Python would also take NaN and let the last double win."""
    try:
        return json.loads(
            body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_object
        )
    except UnicodeDecodeError as error:
        raise Refusal(400, f"The body is not UTF-8 at byte {error.start}.") from error
    except RecursionError as error:
        raise Refusal(400, "The JSON is nested too deeply.") from error
    except ValueError as error:  # also a number of more digits than Python reads
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise Refusal(400, f"The body is not JSON{where}.") from error


def _no_constant(name: str) -> Any:
    raise Refusal(400, f"{name} is no JSON.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refusal(400, "A JSON object has one name twice.")
    return found


def _rows(instances: Any) -> list[Any]:
    if not isinstance(instances, list):
        raise Refusal(400, f"`instances` must be a list. Received: {_kind(instances)}")
    return [_named(row, f"instances[{place}]") for place, row in enumerate(instances)]


def _column(inputs: Any) -> list[Any]:
    column = _named(inputs, "inputs")
    if not isinstance(column, list):
        raise Refusal(400, f"`inputs` must hold a list. Received: {_kind(column)}")
    return column


def _named(value: Any, name: str) -> Any:
    """Return what stands under the input's name; with one input the name may be left out."""
    if not isinstance(value, dict) or "b64" in value:
        return value
    if set(value) != {INPUT}:
        raise Refusal(400, f"{name} must have only the input {INPUT!r}.")
    return value[INPUT]


def _file(value: Any, place: int) -> bytes:
    name = file_name(place)
    if not isinstance(value, dict) or set(value) != {"b64"} or not isinstance(value["b64"], str):
        raise Refusal(
            400, f'{name} must be {{"b64": "..."}}, a file in base64. Received: {_kind(value)}'
        )
    try:
        return base64.b64decode(value["b64"].translate(_LINES), validate=True)
    except (binascii.Error, ValueError) as error:  # the latter: a letter outside ASCII
        raise Refusal(400, f"{name} is not base64.") from error


def file_name(place: int) -> str:
    """Return what an image of such a request is called in a refusal."""
    return f"image {place}"


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return "null" if value is None else kinds.get(type(value), "a number")


def _shown(name: str) -> str:
    return repr(name[:40])


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
