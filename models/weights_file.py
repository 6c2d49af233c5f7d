"""Load weights from a file that the user names."""

from pathlib import Path

import keras

from dlmath.errors import WeightsError, did_you_mean

ENDINGS = (".weights.h5", ".h5", ".keras")


def load_weights_file(network: keras.Model, path: str | Path) -> None:
    """Give `network` the weights of a file.

    Args:
        network: A backbone, or a whole classifier.
        path: A `.weights.h5` or `.h5` file of the same network (Keras's own downloads among
            them), or a `.keras` model that is that network or has it as its `backbone`.

    Raises:
        WeightsError: The file is missing, damaged, or of another network.
    """
    path = Path(path)
    if not path.is_file():
        # A misspelt word and a missing file look the same from here.
        raise WeightsError(
            f"There is no file of weights {path}.{did_you_mean(str(path), ('imagenet', 'none'))} "
            "Pass --weights imagenet, none, or the path of a file that exists."
        )
    if not path.name.endswith(ENDINGS):
        raise WeightsError(
            f"A file of weights must end in one of {', '.join(ENDINGS)}. Received: {path}"
        )
    try:
        if path.suffix == ".keras":
            network.set_weights(_network_in(path).get_weights())
        else:
            network.load_weights(path)
    # h5py, zipfile and Keras each have their own exceptions for a file that is not as expected.
    except Exception as error:
        raise WeightsError(
            f"{path} does not hold weights of this network, or is damaged: {first_line(error)}. "
            "Check --backbone, or pass --weights none."
        ) from error


def first_line(error: Exception) -> str:
    """Return what an exception says in its first line; Keras's may run on for a page."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(" .:") if lines else type(error).__name__


def _network_in(path: Path) -> keras.Model:
    model = keras.models.load_model(path, compile=False, safe_mode=True)
    backbones = [layer for layer in model.layers if layer.name == "backbone"]
    return backbones[0] if backbones else model
