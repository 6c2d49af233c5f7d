"""Load a trained model: the architecture that its recipe states, with the weights of its file.

What the file says of its own architecture is never read. The recipe of a run lies next to its
model; a `.keras` file that `dlmath.export` wrote holds it.
"""

import hashlib
import io
from pathlib import Path

import keras

from dlmath.errors import DlmathError, RecipeError, RunError, WeightsError
from dlmath.given_paths import given_path
from dlmath.models.classifier import build
from dlmath.models.keras_archive import NOTE_RECIPE, read_bounded, read_note, read_weights
from dlmath.models.weights_file import assign_weights, first_line
from dlmath.models.weights_hdf5 import check_hdf5
from dlmath.recipe import Recipe
from dlmath.runs import Run
from dlmath.terminal_text import quoted


def load(run: Run | str | Path) -> keras.Model:
    """Load a trained model: pixels (N, H, W, 3) in 0..255 to class probabilities (N, K).

    Args:
        run: A run, the path or name of one, or the path of a `.keras` file: a run's own, or one
            that `dlmath.export` wrote.

    Raises:
        RunError: There is no such run, it has no model yet, or the file states no recipe.
        WeightsError: The file is damaged, not the one that the training wrote, of another network
            than the recipe states, or holds what no trained network holds.

    Example:
        >>> import dlmath
        >>> model = dlmath.load("runs/example")
        >>> model.output_shape
        (None, 2)
    """
    if not isinstance(run, Run) and Path(run).suffix == ".keras":
        return _of_file(given_path(run))
    found = run if isinstance(run, Run) else _find(run)
    if not found.model_path.is_file():
        raise RunError(
            f"{found.folder} has no model yet: {found.model_path.name} is missing. "
            f"Go on with its training: dlmath train --resume {quoted(found.folder)}"
        )
    return _of_run(found)


def check_not_saved_model(path: str | Path) -> None:
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
    check_not_saved_model(run)
    return Run.find(run)


def _of_file(path: Path) -> keras.Model:
    if not path.is_file():
        raise RunError(f"There is no model {path}. List the runs with: dlmath runs list")
    run = Run(path.parent)
    if path.name == run.model_path.name and run.recipe_path.is_file():
        return _of_run(run)
    content = read_bounded(path)
    weights = read_weights(content, path)
    return _with_weights(_recipe_in(content, path), weights, path, "the recipe in it")


def _recipe_in(content: bytes, path: Path) -> Recipe:
    try:
        return Recipe.from_toml(read_note(content, path)[NOTE_RECIPE])
    except (RunError, RecipeError, KeyError, TypeError) as error:
        raise RunError(
            f"{path} does not state the recipe of its network, and a description of Keras is not "
            "followed. Name the run, or write the file with: dlmath export RUN --format keras. To "
            f"begin a training with its weights: --weights {quoted(path)}"
        ) from error


def _of_run(run: Run) -> keras.Model:
    path = run.model_path
    content = read_bounded(path)
    record = run.manifest.get("model")  # None: written before manifests held checksums
    found = hashlib.sha256(content).hexdigest()
    if record is not None and found != record["sha256"]:
        raise WeightsError(
            f"{path} is not the file that the training wrote: it is damaged, or was changed. "
            f"Received: sha256={found}, expected {record['sha256']}. Copy the run again from the "
            "machine that made it, or train it again."
        )
    return _with_weights(run.recipe, read_weights(content, path), path, run.recipe_path.name)


def _with_weights(recipe: Recipe, weights: bytes, path: Path, source: str) -> keras.Model:
    """Build the network of a recipe with the weights of a file; `source` names the recipe."""
    shapes = check_hdf5(io.BytesIO(weights)).values()
    try:
        # Before the network is built: so many names of classes would take as many gigabytes.
        if (len(recipe.classes),) not in shapes:
            raise ValueError(f"it has no head of {len(recipe.classes):,} classes")
        model = build(recipe, pretrained=False)
        assign_weights(model, weights)
    except DlmathError:
        raise
    # h5py and Keras each have their own exceptions for weights of another network.
    except Exception as error:
        raise WeightsError(
            f"{path} does not hold the weights of the network that {source} describes: "
            f"{first_line(error)}. Train it again."
        ) from error
    return model
