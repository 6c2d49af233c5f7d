"""Write a trained model: as a `.keras` file, and in the light form that starts at once."""

import hashlib
import io
from typing import Any

import keras
import numpy as np

from dlmath.atomic_files import atomic_path
from dlmath.features.convert import to_litert
from dlmath.features.network import TOLERANCE, feature_model, litert_runtime
from dlmath.inference.light_classifier import softmax
from dlmath.inference.network import Network
from dlmath.inference.probabilities import predict_probabilities
from dlmath.runs import Run, write_bytes


def write_model(run: Run, model: keras.Model) -> None:
    """Write the model as a `.keras` file, without an optimizer, and its checksum to the manifest.

    Only the file of that checksum is loaded as this run's model again.
    """
    with atomic_path(run.model_path) as temporary:
        model.save(temporary)
        content = temporary.read_bytes()
    run.update_manifest(
        model={"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    )


def write_light(
    run: Run, model: keras.Model, pixels: np.ndarray, network: bytes | None = None
) -> dict[str, Any] | None:
    """Write the light form of a model, once it answered like the model on real images.

    It consists of the network below the head as a LiteRT file, and of the head's two arrays. The
    cache is not used: the training is done by now, and a full disk there must not end the run.

    Args:
        run: The run whose `light/` is written.
        model: The trained classifier.
        pixels: Images (N, S, S, 3) in 0..255 to compare the two on.
        network: The LiteRT file where there is one already.

    Returns:
        The entry for the manifest: runtime, hashes, the largest difference of a probability, and
        the number of images. None where LiteRT cannot run the network or answers otherwise; then
        nothing is written, and prediction uses Keras.
    """
    network = network or to_litert(feature_model(model))
    if network is None:
        return None
    kernel, bias = model.get_layer("logits").get_weights()
    features = Network(network)(pixels).astype(np.float64)
    answers = softmax(features @ kernel + bias)
    difference = np.abs(answers - predict_probabilities(model, pixels)).max()
    if not difference <= TOLERANCE:
        return None
    head = io.BytesIO()
    np.savez(head, kernel=kernel, bias=bias)
    write_bytes(run.light_network_path, network)
    write_bytes(run.light_head_path, head.getvalue())
    return {
        "runtime": litert_runtime(),
        "features_sha256": hashlib.sha256(network).hexdigest(),
        "head_sha256": hashlib.sha256(head.getvalue()).hexdigest(),
        "largest_difference": float(difference),
        "images": len(pixels),
    }
