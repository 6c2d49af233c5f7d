"""The REST form of TensorFlow Serving: whatever comes is read or refused."""

import base64
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.serving.limits import Limits
from dlmath.serving.refusal import Refusal
from dlmath.serving.tensorflow_form import read_request

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
