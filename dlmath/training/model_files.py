"""Write a trained model: as Keras reads it, and in the light form that starts at once."""

import hashlib
import io
from typing import Any

import keras
import numpy as np
from scipy.special import softmax

from dlmath.evaluation.probabilities import predict_probabilities
from dlmath.features.network import TOLERANCE, FrozenNetwork, freeze
from dlmath.runs import Run, atomic_path, write_bytes


def write_model(run: Run, model: keras.Model) -> None:
    """Write the model as a `.keras` file, without an optimizer."""
    with atomic_path(run.model_path) as temporary:
        model.save(temporary)


def write_light(
    run: Run, model: keras.Model, pixels: np.ndarray, network: FrozenNetwork | None = None
) -> dict[str, Any] | None:
    """Write the light form of a model, once it answered like the model on real images.

    It is the network below the head as a LiteRT file, and the head's two arrays.

    Args:
        run: Gets `light/`.
        model: The trained classifier.
        pixels: Images (N, S, S, 3) in 0..255 to compare the two on.
        network: The frozen network where there is one already.

    Returns:
        What the manifest says of it: hashes, the largest difference of a probability, and on how
        many images. None where LiteRT cannot run the network, or answers otherwise; then nothing
        is written, and prediction takes Keras.
    """
    network = network or freeze(model)
    if network.content is None:
        return None
    kernel, bias = model.get_layer("logits").get_weights()
    features = network.make_runner()(pixels).astype(np.float64)
    answers = softmax(features @ kernel + bias, axis=1)
    difference = np.abs(answers - predict_probabilities(model, pixels)).max()
    if not difference <= TOLERANCE:
        return None
    head = io.BytesIO()
    np.savez(head, kernel=kernel, bias=bias)
    write_bytes(run.light_network_path, network.content)
    write_bytes(run.light_head_path, head.getvalue())
    return {
        "runtime": network.runtime,
        "features_sha256": hashlib.sha256(network.content).hexdigest(),
        "head_sha256": hashlib.sha256(head.getvalue()).hexdigest(),
        "largest_difference": float(difference),
        "images": len(pixels),
    }
