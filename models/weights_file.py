"""Give a network the weights of a file: arrays by name and shape, and nothing else of it."""

import io
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import keras
import numpy as np

from dlmath.errors import WeightsError
from dlmath.given_paths import given_path
from dlmath.models.keras_archive import read_bounded, read_weights
from dlmath.models.weights_hdf5 import Unfit, check_hdf5
from dlmath.models.weights_path import check_weights_path


def load_weights_file(network: keras.Model, path: str | Path) -> None:
    """Give `network` the weights of a file that the user names.

    Args:
        network: A backbone, or a whole classifier.
        path: A `.weights.h5` or `.h5` file of the same network (Keras's own downloads among
            them), or a `.keras` model that is that network or has it as its only inner network.

    Raises:
        WeightsError: The file is missing, damaged, of another network, or holds what no weights
            need.
    """
    path = given_path(path)
    check_weights_path(path)
    content = read_bounded(path)
    ending = ".h5"
    if path.suffix == ".keras":
        content, ending = read_weights(content, path), ".weights.h5"
    elif path.name.endswith(".weights.h5"):
        ending = ".weights.h5"
    try:
        if path.suffix == ".keras":
            content = _of_inner_network(content)
        assign_weights(network, content, ending)
    except Unfit as error:
        raise WeightsError(
            f"{path} is not loaded: {error}. A file of weights holds only plain arrays. "
            "Pass another one, or --weights none."
        ) from error
    # h5py and Keras each have their own exceptions for a file that is not as expected.
    except Exception as error:
        raise WeightsError(
            f"{path} does not hold weights of this network, or is damaged: {first_line(error)}. "
            "Check --backbone, or pass --weights none."
        ) from error
    if not all(np.isfinite(weight).all() for weight in network.get_weights()):
        raise WeightsError(
            f"{path} holds NaN or infinite weights: what it is of diverged. Pass another file, or "
            "--weights none."
        )


def assign_weights(network: keras.Model, content: bytes, ending: str = ".weights.h5") -> None:
    """Give a network the arrays of an HDF5 file, each by its name and shape.

    Args:
        network: Keeps its own weights if this fails before the first array, not if at a later one.
        content: The file.
        ending: `.weights.h5` as Keras 3 saves weights, or `.h5` for the layout of Keras 2.

    Raises:
        Unfit: The file holds anything but arrays that are stored in it.
        Exception: It is damaged or of another network; h5py and Keras have many words for it.
    """
    arrays = check_hdf5(io.BytesIO(content))
    if ending == ".weights.h5":
        # Keras passes over layers of the file that the network does not have.
        found, needed = sum(name.startswith("/layers/") for name in arrays), len(network.weights)
        if found != needed:
            raise ValueError(f"it holds {found} arrays where {needed} are needed")
    with _as_file(content, ending) as file, warnings.catch_warnings():
        # Keras warns of the layers that do not fit before it raises.
        warnings.filterwarnings("ignore", message="Skipping nested container")
        network.load_weights(file)


def first_line(error: Exception) -> str:
    """Return the first line of an exception that says why; Keras's may run on for a page."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("A total of "):  # so many layers could not be loaded
        del lines[0]
    return lines[0].rstrip(" .:") if lines else type(error).__name__


def _of_inner_network(content: bytes) -> bytes:
    """Return the weights of the only network inside another; of a plain network, all of them."""
    with h5py.File(io.BytesIO(content), "r") as file:
        layers = file["layers"]
        inner = [layers[name] for name in layers if "layers" in layers[name]]
        if len(inner) != 1:
            return content
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as part:
            for name in inner[0]:
                inner[0].copy(name, part)
        return buffer.getvalue()


@contextmanager
def _as_file(content: bytes, ending: str) -> Iterator[Path]:
    """Give the path of a file with this content that no other program writes to."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"checked{ending}"
        path.write_bytes(content)
        yield path
