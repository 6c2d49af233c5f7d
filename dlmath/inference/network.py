"""A frozen network under LiteRT: pixels in, features out, with only NumPy and LiteRT."""

from pathlib import Path
from typing import Any

import numpy as np

from dlmath.chatter import without_chatter
from dlmath.errors import WeightsError


class Network:
    """Run a `.tflite` file that turns square images into feature vectors.

    One object answers one call at a time, since LiteRT keeps its tensors between calls: threads
    that share it must take turns, or make a `Network` each.

    Args:
        content_or_path: The file's content, or its path.
        threads: How many threads compute each call, at least 1.

    Raises:
        WeightsError: LiteRT is not installed; or the file is missing, damaged, or does not map
            float32 (N, S, S, 3) to float32 (N, D).
    """

    def __init__(self, content_or_path: bytes | Path, threads: int = 1):
        if isinstance(content_or_path, bytes):
            content, name = content_or_path, "The network"
        else:
            content, name = _read(content_or_path), str(content_or_path)
        self._interpreter = _open(content, name, threads)
        self._input, self._output = _signature(self._interpreter, name)
        self._batch_size = int(self._input["shape"][0])

    @property
    def input_size(self) -> int:
        """S, the side of the images in pixels."""
        return int(self._input["shape"][1])

    @property
    def feature_count(self) -> int:
        """D, the length of a feature vector."""
        return int(self._output["shape"][1])

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return the features float32 (N, D) of N images.

        Args:
            pixels: (N, S, S, 3) in 0..255, uint8 or float32. A change of N costs a few
                milliseconds, so batches are best of one size.
        """
        image_shape = (self.input_size, self.input_size, 3)
        if pixels.ndim != 4 or pixels.shape[1:] != image_shape:
            raise ValueError(
                f"`pixels` must have the shape (N, {', '.join(map(str, image_shape))}). "
                f"Received: pixels of shape {pixels.shape}"
            )
        if len(pixels) == 0:  # LiteRT takes no empty batch
            return np.empty((0, self.feature_count), np.float32)
        self._resize(len(pixels))
        self._interpreter.set_tensor(self._input["index"], pixels.astype(np.float32, copy=False))
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output["index"])

    def _resize(self, batch_size: int) -> None:
        if batch_size == self._batch_size:
            return
        shape = (batch_size, self.input_size, self.input_size, 3)
        self._interpreter.resize_tensor_input(self._input["index"], shape)
        self._interpreter.allocate_tensors()
        self._batch_size = batch_size


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"Cannot read the network {path}: {error.strerror}.") from error


def _open(content: bytes, name: str, threads: int) -> Any:
    """Return a LiteRT interpreter that is ready for a batch of the stored size."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise WeightsError(
            "LiteRT, which runs frozen networks, is not installed or does not load here: "
            f"{error}. Install it with: pip install ai-edge-litert"
        ) from error
    if not content:
        raise WeightsError(f"{name} is empty. Write it again.")
    try:
        with without_chatter():
            interpreter = Interpreter(model_content=content, num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{name} is damaged, or not a network that LiteRT runs: {error}. Write it again."
        ) from error
    return interpreter


def _signature(interpreter: Any, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return LiteRT's details of the one input and the one output."""
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) == len(outputs) == 1 and _is_images(inputs[0]) and _is_features(outputs[0]):
        return inputs[0], outputs[0]
    shapes = [tuple(detail["shape_signature"]) for detail in (*inputs, *outputs)]
    raise WeightsError(
        f"{name} must map float32 images (N, S, S, 3) to float32 features (N, D). "
        f"Received: {len(inputs)} inputs and {len(outputs)} outputs of shapes {shapes}"
    )


def _is_images(detail: dict[str, Any]) -> bool:
    shape = [int(length) for length in detail["shape_signature"]]  # -1: any
    is_square = len(shape) == 4 and shape[1] > 0 and shape == [-1, shape[1], shape[1], 3]
    return is_square and detail["dtype"] == np.float32


def _is_features(detail: dict[str, Any]) -> bool:
    shape = detail["shape"]
    return len(shape) == 2 and shape[1] > 0 and detail["dtype"] == np.float32
