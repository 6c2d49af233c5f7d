"""Hand a checked file to Keras: the very bytes that were looked at, in Keras's safe mode."""

import inspect
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

from dlmath import layers
from dlmath.errors import WeightsError
from dlmath.models.keras_archive import KerasArchive


def load_network(archive: KerasArchive, path: Path) -> keras.Model:
    """Build the network that a checked `.keras` file describes, with its weights.

    Args:
        archive: As `dlmath.models.keras_archive.read_archive` returned it.
        path: Where it lay, for the message.

    Raises:
        WeightsError: Keras refuses it.
    """
    try:
        with as_file(archive.content, ".keras") as file:
            return keras.models.load_model(
                file, custom_objects=_own_layers(), compile=False, safe_mode=True
            )
    # zipfile, h5py and Keras each have their own exceptions for a file that is not as expected.
    except Exception as error:
        raise WeightsError(
            f"Cannot load the model {path}: {first_line(error)}. Train it again, or copy it again "
            "from the machine that made it."
        ) from error


@contextmanager
def as_file(content: bytes, ending: str) -> Iterator[Path]:
    """Give the path of a file with this content that nobody else writes to."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"checked{ending}"
        path.write_bytes(content)
        yield path


def first_line(error: Exception) -> str:
    """Return what an exception says in its first line; Keras's may run on for a page."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(" .:") if lines else type(error).__name__


def _own_layers() -> dict[str, type]:
    """Return our layers by the names under which Keras saves them."""
    classes = vars(layers).values()
    return {
        keras.saving.get_registered_name(item): item
        for item in classes
        if inspect.isclass(item) and issubclass(item, keras.layers.Layer)
    }
