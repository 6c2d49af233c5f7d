"""Load weights from a file that the user names."""

import io
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from dlmath.errors import WeightsError
from dlmath.models.keras_archive import checked_archive, read_bounded
from dlmath.models.keras_config import Unfit
from dlmath.models.safe_loading import as_file, first_line, load_network
from dlmath.models.weights_hdf5 import check_hdf5
from dlmath.models.weights_path import check_weights_path


def load_weights_file(network: keras.Model, path: str | Path) -> None:
    """Give `network` the weights of a file.

    Args:
        network: A backbone, or a whole classifier.
        path: A `.weights.h5` or `.h5` file of the same network (Keras's own downloads among
            them), or a `.keras` model that is that network or has it as its `backbone`.

    Raises:
        WeightsError: The file is missing, damaged, of another network, or holds what no weights
            need.
    """
    path = Path(path)
    check_weights_path(path)
    content = read_bounded(path)
    if path.suffix == ".keras":
        whole = load_network(checked_archive(content, path), path)
        _give(network, path, lambda: network.set_weights(_network_in(whole).get_weights()))
        return
    _refuse_unfit(content, path)
    with as_file(content, ".weights.h5" if path.name.endswith(".weights.h5") else ".h5") as file:
        _give(network, path, lambda: network.load_weights(file))


def _refuse_unfit(content: bytes, path: Path) -> None:
    try:
        check_hdf5(io.BytesIO(content))
    except Unfit as error:
        raise WeightsError(
            f"{path} is not loaded: {error}. A file of weights holds only plain arrays. "
            "Pass another one, or --weights none."
        ) from error
    # h5py has many exceptions for a file that is not as expected.
    except Exception as error:
        raise _unsuitable(path, error) from error


def _give(network: keras.Model, path: Path, assign: Callable[[], object]) -> None:
    """Call what assigns the weights; what Keras or h5py then raise becomes one line."""
    try:
        assign()
    except Exception as error:
        raise _unsuitable(path, error) from error
    if not all(np.isfinite(weight).all() for weight in network.get_weights()):
        raise WeightsError(
            f"{path} holds NaN or infinite weights: what it is of diverged. Pass another file, or "
            "--weights none."
        )


def _unsuitable(path: Path, error: Exception) -> WeightsError:
    return WeightsError(
        f"{path} does not hold weights of this network, or is damaged: {first_line(error)}. "
        "Check --backbone, or pass --weights none."
    )


def _network_in(model: keras.Model) -> keras.Model:
    backbones = [layer for layer in model.layers if layer.name == "backbone"]
    return backbones[0] if backbones else model
