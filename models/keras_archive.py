"""Look into a `.keras` file, and hand on its weights and the note that `dlmath.export` left in it.

A `.keras` file is a zip of a description (`config.json`), weights (`model.weights.h5`) and a note
of who wrote it (`metadata.json`). Keras builds whatever classes the description names, so a
description from elsewhere is a program. It is never read here: a recipe says what the network is,
and the file is a container of arrays.
"""

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

from dlmath.errors import RunError, WeightsError
from dlmath.models.weights_hdf5 import Unfit, check_hdf5

NOTE = "metadata.json"  # a member that Keras writes and never reads
NOTE_KEY = "dlmath"
NOTE_RECIPE = "recipe"  # in our part of the note: the recipe as TOML
_WEIGHTS = "model.weights.h5"
MEMBERS = (NOTE, "config.json", _WEIGHTS)
MAX_BYTES = 4 * 2**30  # of a whole file; the largest network of ours has 0.1
MAX_TEXT_BYTES = 32 * 2**20  # of a text member; InceptionV3's config.json has 0.3 MiB
MAX_RATIO = 100  # unpacked to packed; Keras packs nothing, and deflate reaches 1,032
_ENCRYPTED = 0x1
# What zipfile, zlib and json raise for a damaged file, and json for one that is nested without end.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
    *(ValueError, KeyError, TypeError, RecursionError, OSError, MemoryError),
)


def read_bounded(path: Path) -> bytes:
    """Return the content of a file. Everything after this uses it; the file is not opened again.

    Raises:
        WeightsError: It cannot be read, or is larger than any file of weights.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise WeightsError(
                f"{path} has {size:,} bytes, and a file of weights at most {MAX_BYTES:,}. "
                "Pass another one."
            )
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"Cannot read {path}: {error.strerror}.") from error


def read_weights(content: bytes, path: Path) -> bytes:
    """Return `model.weights.h5` of a `.keras` file, an HDF5 file of nothing but stored arrays.

    Args:
        content: The whole file.
        path: Its name, for the message only.

    Raises:
        WeightsError: It is damaged, or holds what no trained network holds.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive.infolist())
            weights = archive.read(_WEIGHTS)
        check_hdf5(io.BytesIO(weights))
    except Unfit as error:
        raise WeightsError(
            f"{path} is not loaded: {error}. No network that dlmath trains holds that. Use the "
            "model of a run, or pass only weights (.weights.h5) with --weights."
        ) from error
    except _DAMAGE as error:
        raise WeightsError(
            f"Cannot load the model {path}: the file is damaged ({error}). Copy it again from "
            "where it came, or train it again."
        ) from error
    return weights


def read_note(content: bytes, path: Path) -> dict[str, Any]:
    """Return the metadata that `dlmath.export` wrote into a `.keras` file.

    Args:
        content: The whole file.
        path: Its name, for the message only.

    Raises:
        RunError: dlmath did not export it, or it is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_size(archive.getinfo(NOTE))
            note = json.loads(archive.read(NOTE))[NOTE_KEY]
        if not isinstance(note, dict):
            raise ValueError("its note is no table")
    except (Unfit, *_DAMAGE) as error:
        raise RunError(
            f"{path} does not say how it decides ({error}): dlmath did not export it. Name the "
            "run, or write it with: dlmath export RUN --format keras"
        ) from error
    return note


def _check_members(infos: list[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in infos]
    foreign = [name for name in names if name not in MEMBERS]
    if foreign:
        raise Unfit(f"it holds the file {foreign[0]!r}")
    if len(set(names)) < len(names):
        raise Unfit("a name occurs twice in it")
    if _WEIGHTS not in names:
        raise Unfit(f"it holds no {_WEIGHTS}")
    for info in infos:
        _check_size(info)


def _check_size(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise Unfit(f"{info.filename} is encrypted")
    limit = MAX_BYTES if info.filename == _WEIGHTS else MAX_TEXT_BYTES
    # zipfile reads no more than the size that is declared here.
    if info.file_size > limit or info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise Unfit(
            f"{info.filename} would unpack from {info.compress_size:,} to {info.file_size:,} bytes"
        )
