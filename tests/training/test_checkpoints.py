import keras
import numpy as np
import pytest
from hypothesis import given, settings
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
    with pytest.raises(RunError, match="damaged"):
        checkpoints.unpack(bytes(data), "x")


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
