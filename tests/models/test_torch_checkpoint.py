"""A checkpoint written by hand, whole, damaged and hostile."""

import hashlib
import io
import pickle
import struct

import numpy as np
import pytest

from dlmath.errors import WeightsError
from dlmath.models.torch_checkpoint import (
    MAGIC_NUMBER,
    PROTOCOL_VERSION,
    read_checkpoint,
    read_tensors,
)

VALUES = np.arange(6, dtype="<f4")


def tensor(shape, strides, *, kind="FloatStorage", key="7", offset=0, size=6):
    """The opcodes, as text, of a tensor: a storage by persistent id, then its view."""
    pid = f"(S'storage'\nctorch\n{kind}\nS'{key}'\nS'cpu'\nI{size}\nNtQ"
    view = f"I{offset}\n{numbers(shape)}{numbers(strides)}I00\nccollections\nOrderedDict\n(tR"
    return f"ctorch._utils\n_rebuild_tensor_v2\n({pid}{view}tR"


def numbers(values):
    return "(" + "".join(f"I{value}\n" for value in values) + "t"


def state(**tensors):
    """The opcodes of an ordered dictionary."""
    items = "".join(f"S'{name}'\n{opcodes}s" for name, opcodes in tensors.items())
    return f"ccollections\nOrderedDict\n(tR{items}."


def checkpoint(opcodes, storages=(("7", VALUES),), magic=MAGIC_NUMBER):
    file = io.BytesIO()
    for header in (magic, PROTOCOL_VERSION, {"little_endian": True}):
        file.write(pickle.dumps(header, protocol=2))
    file.write(opcodes.encode())
    file.write(pickle.dumps([key for key, _ in storages], protocol=2))
    for _, values in storages:
        file.write(struct.pack("<q", len(values)) + values.tobytes())
    return file.getvalue()


def read(content):
    return read_tensors(io.BytesIO(content), name="test.pth")


def test_tensors_come_out_in_order_and_by_their_strides():
    opcodes = state(
        rows=tensor((2, 3), (3, 1)),
        columns=tensor((3, 2), (1, 3)),
        last=tensor((2,), (1,), offset=4),
        scalar=tensor((), (), offset=5),
    )
    arrays = read(checkpoint(opcodes))

    assert list(arrays) == ["rows", "columns", "last", "scalar"]
    np.testing.assert_array_equal(arrays["rows"], VALUES.reshape(2, 3))
    np.testing.assert_array_equal(arrays["columns"], VALUES.reshape(2, 3).T)
    np.testing.assert_array_equal(arrays["last"], [4, 5])
    np.testing.assert_array_equal(arrays["scalar"], 5)


def test_whole_numbers_are_read_too():
    counter = tensor((), (), kind="LongStorage", key="c", size=1)
    arrays = read(checkpoint(state(n=counter), storages=(("c", np.array([41], "<i8")),)))

    assert arrays["n"] == 41


@pytest.mark.parametrize(
    "opcodes",
    [
        "cos\nsystem\n(S'touch {path}'\ntR.",
        'cbuiltins\nexec\n(S\'open("{path}", "w")\'\ntR.',
        "cbuiltins\nopen\n(S'{path}'\nS'w'\ntR.",
        "cpathlib\nPath.touch\n(S'{path}'\ntR.",  # a dotted name below an admitted depth
        "(S'touch {path}'\nios\nsystem\n.",  # INST, the oldest way to make an object
        "ctorch\n_utils.os.system\n(S'touch {path}'\ntR.",
        "ccollections\nnamedtuple\n(S'x'\nS'y'\ntR.",
    ],
)
@pytest.mark.parametrize("place", ["first", "fourth"])
def test_a_hostile_pickle_is_refused_and_does_nothing(opcodes, place, tmp_path):
    path = tmp_path / "harm"
    opcodes = opcodes.replace("{path}", str(path))
    content = opcodes.encode() if place == "first" else checkpoint(opcodes)

    with pytest.raises(WeightsError, match=r"not a checkpoint of plain tensors: it asks for"):
        read(content)
    assert not path.exists()


def test_a_pickle_cannot_change_the_reader_for_the_next_file():
    # BUILD with a pair sets attributes of whatever lies on the stack: here of the one function
    # that a pickle is given.
    changing = "ctorch._utils\n_rebuild_tensor_v2\n(N(dS'__defaults__'\n(I1\nI2\ntstb."
    with pytest.raises(WeightsError):
        read(checkpoint(changing))

    np.testing.assert_array_equal(read(checkpoint(state(a=tensor((6,), (1,)))))["a"], VALUES)


@pytest.mark.parametrize(
    ("opcodes", "storages"),
    [
        (state(a=tensor((7,), (1,))), (("7", VALUES),)),
        (state(a=tensor((2,), (1,), offset=5)), (("7", VALUES),)),
        (state(a=tensor((2,), (1,), offset=-1)), (("7", VALUES),)),
        (state(a=tensor((2,), (-1,), offset=5)), (("7", VALUES),)),
        (state(a=tensor((1_000_000_000_000,), (0,))), (("7", VALUES),)),  # a bomb of one value
        (state(a=tensor((2, 3), (1,))), (("7", VALUES),)),
        (state(a=tensor((6,), (1,), size=10**15)), (("7", VALUES),)),
        (state(a=tensor((6,), (1,))), (("7", VALUES[:5]),)),
        (state(a=tensor((6,), (1,))), ()),
        (state(a=tensor((6,), (1,), kind="DoubleStorage")), (("7", VALUES),)),
        ("S'only text'\n.", ()),
        (state(a="S'no tensor'\n"), ()),
    ],
)
def test_what_does_not_fit_its_storage_is_refused(opcodes, storages):
    with pytest.raises(WeightsError, match=r"test\.pth is not a checkpoint of plain tensors"):
        read(checkpoint(opcodes, storages))


def test_a_file_that_ends_early_is_refused_wherever_it_ends():
    content = checkpoint(state(a=tensor((6,), (1,))))
    for end in range(len(content)):
        with pytest.raises(WeightsError):
            read(content[:end])


def test_another_format_is_refused():
    with pytest.raises(WeightsError, match="does not begin as such a checkpoint does"):
        read(checkpoint(state(), magic=1))


def test_nothing_is_read_before_the_hash_agrees(tmp_path):
    path = tmp_path / "weights.pth"
    content = checkpoint(state(a=tensor((6,), (1,))))
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()

    np.testing.assert_array_equal(read_checkpoint(path, sha256=sha256)["a"], VALUES)
    path.write_bytes(content + b"\0")
    with pytest.raises(WeightsError, match=rf"Received: sha256=.*expected {sha256}"):
        read_checkpoint(path, sha256=sha256)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"Cannot read the weights .*gone\.pth"):
        read_checkpoint(tmp_path / "gone.pth", sha256="")
