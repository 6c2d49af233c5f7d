"""Classifiers whose network LiteRT or ONNX Runtime runs: the exports of these formats.

An export carries this file as it is, see `dlmath.export.sidecar_files`, so that it answers alike
with dlmath and without it.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from ..chatter import without_chatter
from ..errors import RunError
from .classifier import Classifier
from .export_files import LITERT, METADATA, ONNX
from .exported import stored_fields

# Images at a time: a runtime keeps room for the activations of all of them.
_BATCH_SIZE = 8
OUTPUTS = ("probabilities", "features")  # of the network; the latter only with a fitted score


@dataclass(frozen=True, eq=False)
class LiteRTClassifier(Classifier):
    """A classifier whose network LiteRT runs. Threads must take turns.

    Attributes:
        interpreter: With the network, ready to run.
    """

    batch_size: ClassVar[int] = _BATCH_SIZE
    interpreter: Any

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the folder of a LiteRT export.

        Raises:
            RunError: A file is missing or damaged, or LiteRT is not installed.
        """
        fields, path = stored_fields(folder / METADATA), folder / LITERT
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise RunError(
                f"LiteRT is not installed or does not load here: {error}. Install it with: "
                "pip install ai-edge-litert"
            ) from error
        try:
            with without_chatter():
                interpreter = Interpreter(model_path=str(path), num_threads=os.cpu_count())
                interpreter.allocate_tensors()  # here, where damage has a name
        except (ValueError, RuntimeError) as error:
            raise RunError(f"{path} is damaged: {error}. Export the run again.") from error
        return cls(**fields, interpreter=interpreter)

    def compute(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs of the network by their names.

        In an export from before they had names they are numbered: probabilities, then features.
        """
        given = self.interpreter.get_input_details()[0]["index"]
        self.interpreter.resize_tensor_input(given, batch.shape)
        self.interpreter.allocate_tensors()
        self.interpreter.set_tensor(given, batch.astype(np.float32))
        self.interpreter.invoke()
        details = sorted(self.interpreter.get_output_details(), key=lambda detail: detail["name"])
        names = [detail["name"] for detail in details]
        if not set(names) <= set(OUTPUTS):
            names = list(OUTPUTS[: len(details)])
        found = [self.interpreter.get_tensor(detail["index"]) for detail in details]
        return dict(zip(names, found, strict=True))


@dataclass(frozen=True, eq=False)
class OnnxClassifier(Classifier):
    """A classifier whose network ONNX Runtime runs.

    Attributes:
        session: With the network.
    """

    batch_size: ClassVar[int] = _BATCH_SIZE
    session: Any

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the folder of an ONNX export.

        Raises:
            RunError: A file is missing or damaged, or ONNX Runtime is not installed.
        """
        fields, path = stored_fields(folder / METADATA), folder / ONNX
        try:
            import onnxruntime
        except ImportError as error:
            raise RunError(
                f"ONNX Runtime is not installed or does not load here: {error}. Install it with: "
                "pip install 'dlmath[export]', or where there is no dlmath: pip install onnxruntime"
            ) from error
        try:
            session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        # ONNX Runtime has a class of its own for each way in which a file can be wrong.
        except Exception as error:
            raise RunError(f"{path} cannot be run: {error}. Export the run again.") from error
        return cls(**fields, session=session)

    def compute(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs of the network by their names."""
        names = [output.name for output in self.session.get_outputs()]
        found = self.session.run(names, {"pixels": batch.astype(np.float32)})
        return dict(zip(names, found, strict=True))
