"""Load the model of a run."""

import inspect
from pathlib import Path

import keras

from dlmath import layers
from dlmath.errors import RunError, WeightsError
from dlmath.models.weights_file import first_line
from dlmath.runs import Run


def load(run: Run | str | Path) -> keras.Model:
    """Load a trained model: pixels (N, H, W, 3) in 0..255 to class probabilities (N, K).

    Args:
        run: A run, the path or name of one, or the path of a `.keras` file.

    Raises:
        RunError: There is no such run, or it has no model yet.
        WeightsError: The file is damaged, or would run code of its own.
    """
    path = _model_path(run)
    try:
        return keras.models.load_model(
            path, custom_objects=_own_layers(), compile=False, safe_mode=True
        )
    # zipfile, h5py and Keras each have their own exceptions for a file that is not as expected.
    except Exception as error:
        raise WeightsError(
            f"Cannot load the model {path}: {first_line(error)}. Train it again, or copy it again "
            "from the machine that made it."
        ) from error


def _model_path(run: Run | str | Path) -> Path:
    if not isinstance(run, Run) and Path(run).suffix == ".keras":
        path = Path(run)
        if not path.is_file():
            raise RunError(f"There is no model {path}. List the runs with: dlmath runs list")
        return path
    found = run if isinstance(run, Run) else Run.find(run)
    if not found.model_path.is_file():
        raise RunError(
            f"{found.folder} has no model yet: {found.model_path.name} is missing. "
            f"Go on with its training: dlmath train --resume {found.folder}"
        )
    return found.model_path


def _own_layers() -> dict[str, type]:
    """Return our layers by the names under which Keras saves them."""
    classes = vars(layers).values()
    return {
        keras.saving.get_registered_name(item): item
        for item in classes
        if inspect.isclass(item) and issubclass(item, keras.layers.Layer)
    }
