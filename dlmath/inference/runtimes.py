"""The table of runtimes: the programs that run a classifier's network, and the files they run.

The command line, the formats of `dlmath export` and the server read their choices here. No
numerical library is loaded for it.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from dlmath.errors import RunError, UserError, did_you_mean
from dlmath.inference.export_files import (
    LITERT,
    METADATA,
    ONNX,
    SAVED_MODEL_METADATA,
    read_metadata,
)
from dlmath.runs import Run

if TYPE_CHECKING:
    from dlmath.inference.classifier import Classifier


@dataclass(frozen=True)
class Runtime:
    """A program that runs a classifier.

    Attributes:
        module: Of the subclass of `Classifier` that runs it.
        name: Of that class. Its `load` takes a run, or the path of an export.
        file: By which an export is known: a file in the export's folder or, where it begins with a
            dot, the ending of the export itself. Empty where there are no exports of it.
        by_tensorflow: Whether TensorFlow is loaded, which takes seconds.
        gives_maps: Whether heat maps can be made, by gradients or by a signature of the export.
        is_program: Whether an export is a program that can do anything, and so needs trust.
    """

    module: str
    name: str
    file: str = ""
    by_tensorflow: bool = False
    gives_maps: bool = False
    is_program: bool = False

    def exported(self, path: Path) -> bool:
        """Return whether the path is an export that this runtime runs."""
        if self.file.startswith("."):
            return path.suffix == self.file and path.is_file()
        return bool(self.file) and (path / self.file).is_file()

    def load(self, model: Run | Path) -> "Classifier":
        """Load the classifier of a run, or an export."""
        classifier: Any = getattr(importlib.import_module(self.module), self.name)
        loaded: Classifier = classifier.load(model)
        return loaded


RUNTIMES = {
    "light": Runtime("dlmath.inference.light_classifier", "LightClassifier"),
    "keras": Runtime(
        "dlmath.inference.keras_classifier",
        "KerasClassifier",
        file=".keras",
        by_tensorflow=True,
        gives_maps=True,
    ),
    "saved_model": Runtime(
        "dlmath.inference.saved_model_classifier",
        "SavedModelClassifier",
        file="saved_model.pb",
        by_tensorflow=True,
        gives_maps=True,
        is_program=True,
    ),
    "litert": Runtime("dlmath.inference.litert_onnx", "LiteRTClassifier", file=LITERT),
    "onnx": Runtime("dlmath.inference.litert_onnx", "OnnxClassifier", file=ONNX),
}
# What `dlmath predict --runtime` and `dlmath export --format` take, as Typer reads choices.
RuntimeChoice = Literal["auto", "light", "keras"]
ExportFormat = Literal["saved_model", "keras", "litert", "onnx"]


def kind_of_export(path: Path) -> str | None:
    """Return the name of the runtime whose export a path is; None where it is no export."""
    return next((name for name, one in RUNTIMES.items() if one.exported(path)), None)


def export_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata of an export; nothing of it is run.

    Raises:
        RunError: It has none, or is damaged.
    """
    kind = kind_of_export(path)
    if kind == "saved_model":
        return read_metadata(path / SAVED_MODEL_METADATA)
    if kind == "keras":
        from dlmath.models.keras_archive import read_bounded, read_note

        return read_note(read_bounded(path), path)
    return read_metadata(path / METADATA)


def has_light_form(run: Run) -> bool:
    """Return whether the run's training left a light form of its classifier."""
    return bool(run.manifest.get("light"))


def choose_runtime(model: Run | Path, runtime: str = "auto") -> str:
    """Return the name of the runtime of a run, as it was asked for, or of an export.

    Raises:
        UserError: There is no such runtime, or an export was to have another than its own.
        RunError: The path is no export.
    """
    choices = get_args(RuntimeChoice)
    if runtime not in choices:
        raise UserError(
            f"`runtime` must be one of {', '.join(choices)}.{did_you_mean(runtime, choices)} "
            f"Received: runtime={runtime!r}"
        )
    if isinstance(model, Run):
        automatic = "light" if has_light_form(model) else "keras"
        return automatic if runtime == "auto" else runtime
    if runtime != "auto":
        raise UserError(
            f"An export has a runtime of its own; leave --runtime out. Received: {runtime}"
        )
    kind = kind_of_export(model)
    if kind is None:
        raise RunError(f"{model} is no export. Write one with: dlmath export RUN")
    return kind


def load_classifier(
    model: Run | Path, runtime: str = "auto", *, trust: bool = False
) -> "Classifier":
    """Load the classifier of a run, or an export.

    Args:
        model: A run, or the path that `dlmath.export` returned: of a folder, or a `.keras` file.
        runtime: See `dlmath.predict`.
        trust: Whether a SavedModel may be run. It is a program: it can read and write files.

    Raises:
        UserError: There is no such runtime, or an export was to have another than its own.
        RunError: Files are missing or damaged, contradict each other, or are not trusted.
        WeightsError: A model is damaged, or holds what no trained network holds.
    """
    chosen = RUNTIMES[choose_runtime(model, runtime)]
    if chosen.is_program and not trust:
        raise RunError(
            f"{model} is a SavedModel, which is a program: it can read and write files when it "
            "runs. Where you know who made it, pass --trust; or name the run, or its export as "
            "litert, onnx or keras."
        )
    return chosen.load(model)
