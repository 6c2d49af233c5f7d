"""Look into a `.keras` file before Keras does, and hand on only what a trained network consists of.

A `.keras` file is a zip of a description (`config.json`), weights (`model.weights.h5`) and a note
of who wrote it. Keras builds whatever classes the description names, so a file from elsewhere is a
program; each of the holes found in its safe mode so far was a name or a member that no network for
images needs. Here only those that one needs are let through: a list of what is harmful would never
be complete.
"""

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from dlmath.errors import WeightsError
from dlmath.models.keras_config import Unfit, check_config
from dlmath.models.weights_hdf5 import check_hdf5

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
MAX_BYTES = 4 * 2**30  # of a whole file; the largest network of ours has 0.1
MAX_TEXT_BYTES = 32 * 2**20  # of config.json; InceptionV3's has 0.3 MiB
MAX_RATIO = 100  # unpacked to packed; Keras packs nothing, and deflate reaches 1,032
_ENCRYPTED = 0x1


class KerasArchive(NamedTuple):
    """The two parts of a `.keras` file that make a model, both checked."""

    content: bytes  # the whole file, as it was checked
    weights: bytes  # model.weights.h5


def read_archive(path: Path, *, only_weights: bool = False) -> KerasArchive:
    """Read a `.keras` file once, and return it if nothing in it can do harm.

    Args:
        path: The file.
        only_weights: Whether the description will not be used, and need not be fit.

    Raises:
        WeightsError: It cannot be read, is damaged, or holds what no trained network holds.
    """
    return checked_archive(read_bounded(path), path, only_weights=only_weights)


def read_bounded(path: Path) -> bytes:
    """Return a file's content, which everything after this looks at: it is not opened again.

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


def checked_archive(content: bytes, path: Path, *, only_weights: bool = False) -> KerasArchive:
    """Check the content of a `.keras` file; `path` is only for the message. See `read_archive`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive.infolist())
            if not only_weights:
                check_config(json.loads(archive.read("config.json")))
            weights = archive.read("model.weights.h5")
        check_hdf5(io.BytesIO(weights))
    except Unfit as error:
        raise WeightsError(
            f"{path} is not loaded: {error}. No network that dlmath trains holds that. Use the "
            "model of a run, or pass only weights (.weights.h5) with --weights."
        ) from error
    # What zipfile, zlib and json say of a damaged file; RecursionError of a bottomless one.
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
        *(ValueError, KeyError, RecursionError, OSError, MemoryError),
    ) as error:
        raise WeightsError(
            f"Cannot load the model {path}: the file is damaged ({error}). Copy it again from "
            "where it came, or train it again."
        ) from error
    return KerasArchive(content, weights)


def _check_members(infos: list[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in infos]
    foreign = [name for name in names if name not in MEMBERS]
    if foreign:
        raise Unfit(f"it holds the file {foreign[0]!r}")
    if len(set(names)) < len(names):
        raise Unfit("a name occurs twice in it")
    missing = {"config.json", "model.weights.h5"} - set(names)
    if missing:
        raise Unfit(f"it holds no {min(missing)}")
    for info in infos:
        _check_size(info)


def _check_size(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise Unfit(f"{info.filename} is encrypted")
    limit = MAX_BYTES if info.filename.endswith(".h5") else MAX_TEXT_BYTES
    # zipfile reads no more than the size that is declared here.
    if info.file_size > limit or info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise Unfit(
            f"{info.filename} would unpack from {info.compress_size:,} to {info.file_size:,} bytes"
        )
