"""Write a classifier for LiteRT, which runs on phones and small boards without TensorFlow."""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from dlmath.chatter import without_chatter
from dlmath.errors import RunError
from dlmath.export.frozen import NetworkFunction, as_function, folded_network
from dlmath.export.sidecar_files import write_sidecar_files
from dlmath.features.bias_correction import correct_biases, layers_to_keep
from dlmath.inference.export_files import LITERT
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.litert_onnx import OUTPUTS
from dlmath.runs import write_bytes

SIGNATURE, INPUTS = "serving_default", ("pixels",)
QUANTIZATIONS = ("none", "float16", "int8")
_CORRECTION_IMAGES = 24  # both networks keep the output of a layer of all of them in memory


def write_litert(
    classifier: KerasClassifier,
    path: Path,
    metadata: Mapping[str, Any],
    quantize: str = "none",
    calibration: np.ndarray | None = None,
) -> None:
    """Write a folder with `model.tflite` and the files next to it that programs need.

    The network maps `pixels`, float32 (N, size, size, 3), to `probabilities` (N, K) and, where the
    run has a distance, to `features` (N, D). The tensors have these names, and so has the signature
    `serving_default`.

    Args:
        classifier: Of a run.
        path: The folder, which is made.
        metadata: What `describe` returns.
        quantize: `float16` keeps the weights in half the bytes. `int8` makes 8-bit integers of
            weights and activations, with corrected biases. It spares the first small layers, whose
            errors all others amplify, and the last layer and the softmax: their output would be a
            multiple of 1/256, and a threshold is often smaller.
        calibration: For `int8`, training images (n, size, size, 3) in 0..255, whose activations
            give the ranges of the integers and the corrections.

    Raises:
        RunError: LiteRT has no kernel for an operation of the network.
    """
    path.mkdir()
    write_bytes(path / LITERT, with_names(_convert(classifier, quantize, calibration)))
    write_sidecar_files(path, classifier, metadata)


def with_names(content: bytes) -> bytes:
    """Return a LiteRT file whose input and outputs have names, and a signature of these.

    The converter names outputs only where it is given the model too, and then the weights stay
    variables; see `dlmath.features.convert`. It numbers them: `Identity`, `Identity_1`.

    Args:
        content: A network of one subgraph, from pixels to probabilities and, perhaps, features.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(content)
    (graph,) = model.subgraphs
    outputs = sorted(graph.outputs, key=lambda index: graph.tensors[index].name)
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = SIGNATURE.encode(), 0
    signature.inputs = _named(graph, graph.inputs, INPUTS)
    signature.outputs = _named(graph, outputs, OUTPUTS[: len(outputs)])
    model.signatureDefs = [signature]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _named(graph: Any, indices: Sequence[int], names: Sequence[str]) -> list[Any]:
    """Give tensors of a subgraph their names, and return the entries of a signature."""
    entries = []
    for index, name in zip(indices, names, strict=True):
        graph.tensors[index].name = name.encode()
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name.encode(), index
        entries.append(entry)
    return entries


def _convert(classifier: KerasClassifier, quantize: str, calibration: np.ndarray | None) -> bytes:
    network = folded_network(classifier)  # held until the end: it owns the variables
    try:
        with _quietly():
            keep = layers_to_keep(network)
            if quantize == "int8":
                assert calibration is not None
                few = calibration[:: -(-len(calibration) // _CORRECTION_IMAGES)]
                correct_biases(network, few, keep)
            # A concrete function without its model; see `dlmath.features.convert`.
            concrete = _concrete(as_function(network), classifier.image_size)
            converter = tf.lite.TFLiteConverter([concrete])
            if quantize == "none":
                return converter.convert()
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if quantize == "float16":
                converter.target_spec.supported_types = [tf.float16]
                return converter.convert()
            assert calibration is not None
            return _convert_to_int8(converter, _names(concrete, keep), calibration)
    # The converter raises any exception when it has no kernel for an operation.
    except Exception as error:
        raise RunError(
            f"LiteRT cannot run this network: {str(error).splitlines()[0]}. Export it with "
            "--format saved_model."
        ) from error


def _convert_to_int8(
    converter: tf.lite.TFLiteConverter, keep_float: list[str], calibration: np.ndarray
) -> bytes:
    """Return the network in 8 bits, but for the softmax and the operations named."""
    images = calibration.astype(np.float32)
    converter.representative_dataset = lambda: ([image[np.newaxis]] for image in images)
    # "Debugger" is TensorFlow's name for what chooses the operations to leave in float32.
    options = tf.lite.experimental.QuantizationDebugOptions(
        denylisted_ops=["SOFTMAX"], denylisted_nodes=keep_float
    )
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter,
        debug_dataset=converter.representative_dataset,
        debug_options=options,
    )
    return debugger.get_nondebug_quantized_model()


def _names(concrete: Any, layers: list[str]) -> list[str]:
    """Return the names that the converter gives to the outputs of these layers.

    Only the float32 file holds them, in which it has merged and renamed operations.
    """
    from ai_edge_litert.interpreter import Interpreter

    content = tf.lite.TFLiteConverter([concrete]).convert()
    found = [detail["name"] for detail in Interpreter(model_content=content).get_tensor_details()]
    # Keras numbers the layers of a copied model.
    wanted = re.compile(rf"/({'|'.join(map(re.escape, layers))})(_\d+)?/")
    return [name for name in found if wanted.search(name)]


def _concrete(network: NetworkFunction, size: int) -> Any:
    signature = tf.TensorSpec((None, size, size, 3), tf.float32, name="pixels")
    # A tuple: the converter numbers its parts in this order, and forgets the names of others.
    in_order = tf.function(lambda pixels: tuple(network(pixels).values()), autograph=False)
    return in_order.get_concrete_function(signature)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Silence chatter, and that inputs stay float32, as intended, and of an old interpreter."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        without_chatter(),
    ):
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        warnings.filterwarnings("ignore", message="(?s).*tf.lite.Interpreter is deprecated")
        yield
