"""Read a PyTorch checkpoint of the older format (before 1.6) without PyTorch and without trust.

Such a file is five pickles, one after another - a magic number, the format's version, facts about
the machine, the state itself, the keys of its storages - and then, for each key in turn, the
number of values as int64 and the values, both little-endian. The state is a dictionary of tensors;
each names a storage, and the offset, shape and strides by which it looks into it.

A pickle can name any function for the reader to call. This reader knows four names and refuses
every other, and it reads nothing before the file's SHA-256 is the expected one.

Source: `torch.serialization._legacy_save`; and the Python documentation, "Restricting Globals".
"""

import hashlib
import io
import math
import pickle
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dlmath.errors import WeightsError

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001


@dataclass
class _Storage:
    """A flat run of values; filled once the pickles, which come first, are read."""

    dtype: np.dtype
    size: int
    values: np.ndarray | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _Tensor:
    """A view into a storage, kept until that is filled. Offset and strides count values."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> np.ndarray:
        if self.storage.values is None:
            raise ValueError("a storage has no values")
        if len(self.shape) != len(self.strides) or min((*self.shape, *self.strides), default=0) < 0:
            raise ValueError(f"a tensor of shape {self.shape} has strides {self.strides}")
        steps = zip(self.shape, self.strides, strict=True)
        last = self.offset + sum((length - 1) * stride for length, stride in steps)
        # as_strided checks nothing: a wrong stride would read memory that is not ours.
        fits = 0 <= self.offset <= last < self.storage.size
        if 0 in self.shape or math.prod(self.shape) > self.storage.size or not fits:
            raise ValueError(f"a tensor of shape {self.shape} reaches outside its storage")
        values = self.storage.values[self.offset :]
        strides = tuple(stride * values.itemsize for stride in self.strides)
        return np.lib.stride_tricks.as_strided(values, self.shape, strides).copy()


class _Unpickler(pickle.Unpickler):
    """Admits four names, by which no pickle can reach the file system or the interpreter."""

    def __init__(self, file: BinaryIO, storages: dict[str, _Storage]):
        super().__init__(file)
        self.storages = storages

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                # A function made here: a pickle may also set attributes of what it is given.
                return lambda storage, offset, shape, strides, *_: _Tensor(
                    storage, offset, tuple(shape), tuple(strides)
                )
            case "torch", "FloatStorage":
                return "<f4"
            case "torch", "LongStorage":
                return "<i8"
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _device, size, view = pid
        if kind != "storage" or dtype not in ("<f4", "<i8") or view is not None:
            raise pickle.UnpicklingError(f"it refers to a {kind}")
        return self.storages.setdefault(key, _Storage(np.dtype(dtype), size))


def read_checkpoint(path: Path, *, sha256: str) -> dict[str, np.ndarray]:
    """Read the arrays of a checkpoint, in the order of the file.

    Args:
        path: The `.pth` file.
        sha256: What its content must hash to, in hexadecimal.

    Raises:
        WeightsError: It is missing, has another hash, or holds anything but plain tensors.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise WeightsError(f"Cannot read the weights {path}: {error.strerror}.") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsError(
            f"{path} is not the file of weights that was released. "
            f"Received: sha256={found}, expected {sha256}. Install its package again."
        )
    return read_tensors(io.BytesIO(content), name=str(path))


def read_tensors(file: BinaryIO, *, name: str) -> dict[str, np.ndarray]:
    """Read the arrays of an open checkpoint whose origin may be hostile.

    Raises:
        WeightsError: It holds anything but plain tensors.
    """
    storages: dict[str, _Storage] = {}
    try:
        magic, version, _machine = (_Unpickler(file, {}).load() for _ in range(3))
        if (magic, version) != (MAGIC_NUMBER, PROTOCOL_VERSION):
            raise ValueError("it does not begin as such a checkpoint does")
        tensors = _Unpickler(file, storages).load()
        for key in _Unpickler(file, {}).load():
            _fill(storages[key], file)
        return {key: tensor.array() for key, tensor in tensors.items()}
    # A damaged pickle fails in whichever opcode comes next, with that one's own exception.
    except Exception as error:
        raise WeightsError(f"{name} is not a checkpoint of plain tensors: {error}.") from error


def _fill(storage: _Storage, file: BinaryIO) -> None:
    (size,) = np.frombuffer(file.read(8), "<i8")
    if size != storage.size:
        raise ValueError(f"a storage of {storage.size} values holds {size}")
    storage.values = np.frombuffer(file.read(storage.size * storage.dtype.itemsize), storage.dtype)
    if len(storage.values) != storage.size:
        raise ValueError("it ends too early")
