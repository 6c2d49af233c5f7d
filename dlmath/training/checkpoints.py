r"""The format of a checkpoint: named arrays and a JSON text in one file with a checksum.

    dlmath checkpoint 2\n
    <SHA-256 of all that follows, in hexadecimal>\n
    <length of the index, 8 bytes, little-endian>
    <index, JSON: {"arrays": [[name, dtype, shape], ...], "meta": {...}}>
    <the arrays' bytes in this order, in C order, little-endian>

Nothing in it can run code or unpack to more than the file holds. `dlmath.training.checkpoint_store`
decides which files are kept, and finds the newest good one.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.errors import RunError
from dlmath.runs import write_bytes

_MAGIC = b"dlmath checkpoint 2\n"
_DIGEST_LENGTH = 64
_HEADER_LENGTH = len(_MAGIC) + _DIGEST_LENGTH + 1
_SIZE_LENGTH = 8
_KINDS = "biuf"  # bool, integers and floats; no object, text or structure


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name, and values for JSON in `meta`."""

    arrays: Mapping[str, np.ndarray]
    meta: Mapping[str, Any]


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint: packed in memory first, so that no crash leaves half of one."""
    write_bytes(path, pack(checkpoint))


def pack(checkpoint: Checkpoint) -> bytes:
    """Return the bytes of a checkpoint file.

    Raises:
        ValueError: `meta` holds a NaN or what JSON cannot express, or an array holds objects.
    """
    arrays = {name: _as_stored(array) for name, array in checkpoint.arrays.items()}
    described = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    index = json.dumps({"arrays": described, "meta": checkpoint.meta}, allow_nan=False).encode()
    payload: list[bytes | memoryview] = [len(index).to_bytes(_SIZE_LENGTH, "little"), index]
    payload += [array.reshape(-1).view(np.uint8).data for array in arrays.values()]
    digest = hashlib.sha256()
    for part in payload:
        digest.update(part)
    return b"".join([_header(digest.hexdigest()), *payload])


def _as_stored(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in _KINDS:
        raise ValueError(f"A checkpoint holds numbers. Received: an array of {array.dtype}")
    shape = array.shape  # which ascontiguousarray does not keep where there are no axes
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(shape)


def _header(digest: str) -> bytes:
    return _MAGIC + digest.encode() + b"\n"


def load(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        RunError: The file is missing, of another format, or damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunError(f"Cannot read the checkpoint {path}: {error.strerror}.") from error
    return unpack(data, path)


def unpack(data: bytes, path: Path | str) -> Checkpoint:
    """Return the checkpoint in `data`, its arrays read-only views of it.

    Args:
        data: A whole file.
        path: Its name, for the error message only.

    Raises:
        RunError: The data are of another format, or damaged.
    """
    if data.startswith(_MAGIC[:-2]) and not data.startswith(_MAGIC):
        raise RunError(
            f"The checkpoint {path} was written by another version of dlmath. Go on with that one."
        )
    payload = memoryview(data)[_HEADER_LENGTH:]
    if data[:_HEADER_LENGTH] != _header(hashlib.sha256(payload).hexdigest()):
        raise RunError(f"The checkpoint {path} is damaged: its checksum does not match.")
    try:
        return _unpack_payload(payload)
    # NumPy reads a type with a comma as Python, and says SyntaxError.
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError, SyntaxError) as error:
        raise RunError(f"The checkpoint {path} cannot be read: {error}.") from error


def _unpack_payload(payload: memoryview) -> Checkpoint:
    index_end = _SIZE_LENGTH + int.from_bytes(payload[:_SIZE_LENGTH], "little")
    index = json.loads(bytes(payload[_SIZE_LENGTH:index_end]))
    arrays, start = {}, index_end
    for name, code, shape in index["arrays"]:
        dtype = np.dtype(code)
        if dtype.kind not in _KINDS or not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError(f"no array can be a {code!r} of shape {shape!r}")
        end = start + dtype.itemsize * math.prod(shape)
        arrays[str(name)] = np.frombuffer(payload[start:end], dtype).reshape(shape)
        start = end
    if start != len(payload):
        raise ValueError(f"it holds {len(payload)} bytes where its arrays need {start}")
    if not isinstance(index["meta"], dict):
        raise ValueError("its meta is no table")
    return Checkpoint(arrays, index["meta"])


def collect(groups: Mapping[str, Sequence[Any]]) -> dict[str, np.ndarray]:
    """Return the values of Keras variables as `group/index`.

    By position, not by path: paths repeat where a layer is used inside another, and the
    order of a model's variables is fixed by the recipe that built it.
    """
    return {
        f"{group}/{index}": np.asarray(variable)
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }


def restore(arrays: Mapping[str, np.ndarray], groups: Mapping[str, Sequence[Any]]) -> None:
    """Assign values from `collect` back to variables of the same structure.

    Raises:
        RunError: The number of variables or a shape differs; nothing has been assigned then.
    """
    targets = {
        f"{group}/{index}": variable
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }
    known = {name for name in arrays if name.split("/")[0] in groups}
    if known != set(targets):
        raise RunError(
            "The checkpoint holds another model: it has "
            f"{len(known)} arrays where {len(targets)} are needed."
        )
    for name, variable in targets.items():
        if tuple(variable.shape) != arrays[name].shape:
            raise RunError(
                f"The checkpoint holds another model: {name} has shape {arrays[name].shape} "
                f"where {tuple(variable.shape)} is needed."
            )
    for name, variable in targets.items():
        variable.assign(arrays[name])
