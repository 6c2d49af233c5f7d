"""Write a classifier as ONNX, by tf2onnx."""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from dlmath.errors import RunError, UserError
from dlmath.export.frozen import network_function
from dlmath.export.sidecar_files import write_sidecar_files
from dlmath.inference.export_files import ONNX
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.runs import write_bytes

OPSET = 17  # of ONNX 1.12: ONNX Runtime 1.12 and later run it


def require_onnx() -> None:
    """Check that the extra `export` is installed.

    Raises:
        UserError: How to install it.
    """
    try:
        import onnx  # noqa: F401  what is wanted is that they are there
        import onnxruntime  # noqa: F401
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"Exporting to ONNX needs {error.name}. Install it with: pip install 'dlmath[export]'"
        ) from error


def write_onnx(classifier: KerasClassifier, path: Path, metadata: Mapping[str, Any]) -> None:
    """Write a folder with `model.onnx` and the files next to it that programs need.

    The network maps `pixels`, float32 (N, size, size, 3), to `probabilities` (N, K) and, where the
    run has a distance, to `features` (N, D).

    Raises:
        UserError: The extra `export` is not installed.
        RunError: ONNX has no operation for one of the network's, or inputs were left over.
    """
    require_onnx()
    path.mkdir()
    write_bytes(path / ONNX, convert(classifier))
    write_sidecar_files(path, classifier, metadata)


def convert(classifier: KerasClassifier) -> bytes:
    """Return the classifier's network as an ONNX file."""
    import tf2onnx

    size = classifier.image_size
    signature = [tf.TensorSpec((None, size, size, 3), tf.float32, name="pixels")]
    function = tf.function(network_function(classifier), signature, autograph=False)
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # tf2onnx's own, of NumPy 2
            proto, _ = tf2onnx.convert.from_function(function, signature, opset=OPSET)
    # tf2onnx raises any exception when it knows no counterpart of an operation.
    except Exception as error:
        raise RunError(
            f"tf2onnx cannot convert this network: {str(error).splitlines()[0]}. Export it with "
            "--format saved_model."
        ) from error
    given = [one.name for one in proto.graph.input]
    if given != ["pixels"]:
        raise RunError(
            f"The ONNX graph asks for more than pixels. Received: inputs {given}. Export it with "
            "--format saved_model."
        )
    return proto.SerializeToString()
