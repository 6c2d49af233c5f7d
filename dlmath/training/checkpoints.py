"""Checkpoints: the whole state of a training in one file, written whole or not at all.

The file is a line that names the format, a line with the SHA-256 of the rest, and an
uncompressed NumPy archive of arrays beside one JSON text. Nothing in it can run code.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.errors import RunError
from dlmath.runs import write_bytes

_MAGIC = b"dlmath checkpoint 1\n"
_DIGEST_LENGTH = 64
_META = "meta"


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name, and a JSON-able `meta` beside them."""

    arrays: Mapping[str, np.ndarray]
    meta: Mapping[str, Any]


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint: packed in memory first, so that no crash leaves half of one."""
    write_bytes(path, pack(checkpoint))


def pack(checkpoint: Checkpoint) -> bytes:
    """Return the bytes of a checkpoint file."""
    buffer = io.BytesIO()
    meta = np.frombuffer(json.dumps(checkpoint.meta, allow_nan=False).encode(), np.uint8)
    # Prefixed, because savez takes names as keyword arguments and "file" is one of its own.
    entries: dict[str, Any] = {f"array/{name}": value for name, value in checkpoint.arrays.items()}
    entries[_META] = meta
    np.savez(buffer, **entries)
    payload = buffer.getvalue()
    return _header(payload) + payload


def _header(payload: bytes) -> bytes:
    return _MAGIC + hashlib.sha256(payload).hexdigest().encode() + b"\n"


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


def unpack(data: bytes, path: Path) -> Checkpoint:
    """Return the checkpoint in `data`; `path` is for the error message only."""
    start = len(_MAGIC) + _DIGEST_LENGTH + 1
    header, payload = data[:start], data[start:]
    if header != _header(payload):
        raise RunError(f"The checkpoint {path} is damaged: its checksum does not match.")
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            arrays = {
                name.removeprefix("array/"): archive[name]
                for name in archive.files
                if name != _META
            }
            meta = json.loads(archive[_META].tobytes())
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(f"The checkpoint {path} cannot be read: {error}.") from error
    return Checkpoint(arrays, meta)


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
