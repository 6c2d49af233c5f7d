"""Load the model of a run: our own architecture, and nothing of the file but its weights.

What the file says of itself is not followed: the recipe says what the network is, and the manifest
which bytes the training wrote. Runs from before the manifest did so, and `.keras` files that lie
elsewhere, are built from their description, once that has been looked through.
"""

import hashlib
from pathlib import Path

import keras

from dlmath.errors import RunError, WeightsError
from dlmath.models.classifier import build
from dlmath.models.keras_archive import checked_archive, read_archive, read_bounded
from dlmath.models.safe_loading import as_file, first_line, load_network
from dlmath.runs import Run


def load(run: Run | str | Path) -> keras.Model:
    """Load a trained model: pixels (N, H, W, 3) in 0..255 to class probabilities (N, K).

    Args:
        run: A run, the path or name of one, or the path of a `.keras` file.

    Raises:
        RunError: There is no such run, or it has no model yet.
        WeightsError: The file is damaged, not the one that the training wrote, or holds what no
            trained network holds.
    """
    if not isinstance(run, Run) and Path(run).suffix == ".keras":
        return _of_file(Path(run))
    found = run if isinstance(run, Run) else _find(run)
    if not found.model_path.is_file():
        raise RunError(
            f"{found.folder} has no model yet: {found.model_path.name} is missing. "
            f"Go on with its training: dlmath train --resume {found.folder}"
        )
    record = found.manifest.get("model")
    if record is None:  # written before manifests held checksums
        return _of_file(found.model_path)
    return _of_run(found, record["sha256"])


def refuse_saved_model(path: str | Path) -> None:
    """Refuse a folder that holds a SavedModel.

    Raises:
        RunError: A SavedModel is a program; TensorFlow would run whatever it holds.
    """
    if (Path(path) / "saved_model.pb").is_file():
        raise RunError(
            f"{path} is a SavedModel, which is a program: it can read and write files when it "
            "runs. Name the run that it was exported from."
        )


def _find(run: str | Path) -> Run:
    refuse_saved_model(run)
    return Run.find(run)


def _of_file(path: Path) -> keras.Model:
    if not path.is_file():
        raise RunError(f"There is no model {path}. List the runs with: dlmath runs list")
    return load_network(read_archive(path), path)


def _of_run(run: Run, sha256: str) -> keras.Model:
    path = run.model_path
    content = read_bounded(path)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsError(
            f"{path} is not the file that the training wrote: it is damaged, or was changed. "
            f"Received: sha256={found}, expected {sha256}. Copy the run again from the machine "
            "that made it, or train it again."
        )
    archive = checked_archive(content, path, only_weights=True)
    model = build(run.recipe, pretrained=False)
    try:
        with as_file(archive.weights, ".weights.h5") as file:
            model.load_weights(file)
    # h5py and Keras each have their own exceptions for weights of another network.
    except Exception as error:
        raise WeightsError(
            f"{path} does not hold the weights of the network that {run.recipe_path.name} "
            f"describes: {first_line(error)}. Train it again."
        ) from error
    return model
