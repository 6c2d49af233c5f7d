"""The REST form of TensorFlow Serving: whatever comes is read or refused."""

import base64
import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.inference.decision_rule import Abstention, DecisionRule
from dlmath.serving.limits import Limits
from dlmath.serving.refusal import Refusal
from dlmath.serving.tensorflow_form import metadata, read_request

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["b64", "images", "instances", "inputs"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5))
def test_every_file_comes_back_as_it_was(files: list[bytes]) -> None:
    rows = [{"b64": base64.b64encode(file).decode()} for file in files]

    by_row = read_request(json.dumps({"instances": rows}).encode(), Limits())
    by_column = read_request(json.dumps({"inputs": {"images": rows}}).encode(), Limits())

    assert by_row == (files, False)
    assert by_column == (files, True)


@pytest.mark.parametrize("end", ["\n", "\r\n", " "])
def test_base64_in_lines_is_read(end: str) -> None:
    """`base64` wraps after 76 letters unless it is told not to."""
    file = bytes(range(256)) * 3
    wrapped = base64.encodebytes(file).decode().replace("\n", end)
    assert wrapped.count(end) > 5
    body = json.dumps({"instances": [{"b64": wrapped}]}).encode()
    assert read_request(body, Limits()) == ([file], False)


RULE = DecisionRule(("a", "b", "c"), 8, None, None)


def outputs_of(rule: DecisionRule) -> dict[str, str]:
    said = metadata(rule, "cells", "1")["metadata"]["signature_def"]["signature_def"]
    return {name: one["dtype"] for name, one in said["serving_default"]["outputs"].items()}


def test_the_metadata_have_the_form_of_tensorflow_serving() -> None:
    """The example of its documentation, with other names."""
    said = metadata(RULE, "cells", "1")
    assert said["model_spec"] == {"name": "cells", "signature_name": "", "version": "1"}
    (signature,) = said["metadata"]["signature_def"]["signature_def"].items()
    assert signature[0] == "serving_default"
    assert signature[1]["method_name"] == "tensorflow/serving/predict"
    assert signature[1]["inputs"] == {
        "images": {
            "dtype": "DT_STRING",
            "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
            "name": "serving_default_images:0",
        }
    }
    probabilities = signature[1]["outputs"]["probabilities"]
    assert [one["size"] for one in probabilities["tensor_shape"]["dim"]] == ["-1", "3"]


def test_the_metadata_name_what_the_rule_gives() -> None:
    plain = {"probabilities": "DT_FLOAT", "classes": "DT_STRING", "decision": "DT_STRING"}
    assert outputs_of(RULE) == plain
    binary = replace(RULE, classes=("a", "b"), positive_class="b")
    assert outputs_of(binary) == {**plain, "positive": "DT_BOOL"}
    unsure = replace(binary, abstention=Abstention(confidence=0.1))
    assert outputs_of(unsure)["abstains"] == "DT_BOOL"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        read_request(body, Limits())

    assert refused.value.status == 400


@given(st.dictionaries(st.sampled_from(["instances", "inputs", "signature_name"]), VALUES))
def test_any_json_is_read_or_refused(document: object) -> None:
    with contextlib.suppress(Refusal):  # any other exception would be a fault of ours
        asked = read_request(json.dumps(document).encode(), Limits())
        assert all(isinstance(image, bytes) for image in asked.images)


def test_json_deeper_than_python_goes_is_refused() -> None:
    with pytest.raises(Refusal, match="nested too deeply"):
        read_request(b"[" * 100_000, Limits(images=10_000))
