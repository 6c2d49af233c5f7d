import hashlib
import json
import tracemalloc

import keras
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlmath.errors import RunError
from dlmath.training import checkpoints
from dlmath.training.checkpoints import Checkpoint

ARRAYS = st.dictionaries(
    st.text("abcdef/0123456789", min_size=1),
    hnp.arrays(
        st.sampled_from(["float32", "float64", "int64", "uint8", "bool"]),
        hnp.array_shapes(min_dims=0, max_dims=3, max_side=4),
    ),
    max_size=4,
)


@given(arrays=ARRAYS, step=st.integers())
def test_what_is_saved_comes_back_bit_by_bit(arrays, step):
    loaded = checkpoints.unpack(checkpoints.pack(Checkpoint(arrays, {"step": step})), "x")
    assert loaded.meta == {"step": step}
    assert loaded.arrays.keys() == arrays.keys()
    for name, value in arrays.items():
        assert loaded.arrays[name].dtype == value.dtype
        assert loaded.arrays[name].shape == value.shape
        assert loaded.arrays[name].tobytes() == value.tobytes()


@settings(max_examples=200)
@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_refused(position, bit):
    data = bytearray(checkpoints.pack(Checkpoint({"a": np.arange(50.0)}, {"step": 1})))
    data[int(position * len(data))] ^= 1 << bit
    with pytest.raises(RunError, match="damaged|another version"):
        checkpoints.unpack(bytes(data), "x")


def sealed(payload):
    """A file with the right checksum, whatever it holds."""
    return checkpoints._header(hashlib.sha256(payload).hexdigest()) + payload


def refuses_or_returns(data):
    """No other error than ours, and no more memory than the file holds."""
    tracemalloc.start()
    try:
        loaded = checkpoints.unpack(data, "x")
    except RunError:
        return None
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 200_000 + 30 * len(data)
    return loaded


@given(payload=st.binary(max_size=300))
def test_any_bytes_are_refused_in_one_message(payload):
    assert refuses_or_returns(payload) is None
    refuses_or_returns(sealed(payload))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
ENTRIES = st.lists(
    st.tuples(
        st.text(max_size=3),
        st.sampled_from(["<f4", "|b1", "|O", "<M8[s]", "<f4,<f4", "x", ""]) | JSON,
        st.lists(st.integers(-2, 2**70), max_size=3) | JSON,
    ),
    max_size=3,
)


@given(
    arrays=ENTRIES | JSON,
    meta=st.just({}) | JSON,
    rest=st.binary(max_size=40),
    length=st.none() | st.integers(0, 2**64 - 1),
)
def test_any_index_below_a_right_checksum_is_refused_or_means_what_it_says(
    arrays, meta, rest, length
):
    index = json.dumps({"arrays": arrays, "meta": meta}).encode()
    length = len(index) if length is None else length
    loaded = refuses_or_returns(sealed(length.to_bytes(8, "little") + index + rest))
    if loaded is not None:
        assert sum(array.nbytes for array in loaded.arrays.values()) <= len(rest)


@pytest.mark.parametrize(
    "entry",
    [("a", "<M8[s]", [1]), ("a", "<U2", [1]), ("a", "<f8", [-1]), ("a", "<f8", [1.0])],
    ids=["dates", "text", "a negative side", "a side that is no integer"],
)
def test_an_array_of_what_no_training_saves_is_refused(entry):
    index = json.dumps({"arrays": [entry], "meta": {}}).encode()
    payload = sealed(len(index).to_bytes(8, "little") + index + bytes(8))
    with pytest.raises(RunError, match="no array can be"):
        checkpoints.unpack(payload, "x")


@settings(max_examples=200)
@example(position=0.3046875, byte=44)  # a comma in the type of an array
@given(position=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_changed_byte_below_a_right_checksum_brings_no_traceback(position, byte):
    whole = checkpoints.pack(Checkpoint({"a": np.arange(5.0), "b": np.ones((2, 2))}, {"step": 1}))
    payload = bytearray(whole[checkpoints._HEADER_LENGTH :])
    payload[int(position * len(payload))] = byte
    refuses_or_returns(sealed(bytes(payload)))


def test_a_deeply_nested_index_is_refused():
    index = b"[" * 100_000
    with pytest.raises(RunError, match="cannot be read"):
        checkpoints.unpack(sealed(len(index).to_bytes(8, "little") + index), "x")


def test_the_format_before_is_refused_by_name():
    with pytest.raises(RunError, match="another version of dlmath"):
        checkpoints.unpack(b"dlmath checkpoint 1\n" + b"0" * 64 + b"\nPK", "x")


def test_what_is_no_number_is_not_saved():
    with pytest.raises(ValueError, match="holds numbers"):
        checkpoints.pack(Checkpoint({"a": np.array(["text"])}, {}))
    with pytest.raises(ValueError, match="JSON compliant"):
        checkpoints.pack(Checkpoint({}, {"loss": float("nan")}))


@pytest.mark.parametrize("length", [0, 5, 50, 200])
def test_a_cut_file_is_refused(tmp_path, length):
    path = tmp_path / "cut"
    path.write_bytes(checkpoints.pack(Checkpoint({"a": np.arange(50.0)}, {}))[:length])
    with pytest.raises(RunError, match="damaged"):
        checkpoints.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RunError, match="absent"):
        checkpoints.load(tmp_path / "absent")


def test_variables_are_restored_only_into_the_same_structure():
    def variables(*shapes):
        return [keras.Variable(np.random.default_rng(0).normal(size=shape)) for shape in shapes]

    saved = checkpoints.collect({"model": variables((2, 3), (3,)), "optimizer": variables(())})
    fresh = variables((2, 3), (3,))
    for variable in fresh:
        variable.assign(variable * 0)
    checkpoints.restore(saved, {"model": fresh})
    np.testing.assert_array_equal(fresh[0], saved["model/0"])

    for other in (variables((2, 3)), variables((2, 3), (4,))):
        before = [np.array(variable) for variable in other]
        with pytest.raises(RunError, match="another model"):
            checkpoints.restore(saved, {"model": other})
        for variable, value in zip(other, before, strict=True):
            np.testing.assert_array_equal(variable, value)
