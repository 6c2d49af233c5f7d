"""A run's classifier in its light form: LiteRT and NumPy, up within a fraction of a second.

Training writes it to `light/` once it answered like the Keras model: the network below the last
dense layer as a LiteRT file, and that layer's kernel and bias as NumPy arrays.
"""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from dlmath.errors import RunError
from dlmath.inference.classifier import Classifier
from dlmath.inference.network import Network
from dlmath.inference.ood_score import OodScore
from dlmath.inference.run_files import ood_record, stored_decision
from dlmath.inference.runtimes import has_light_form
from dlmath.runs import Run


@dataclass(frozen=True, eq=False)
class LightClassifier(Classifier):
    """A run's classifier without TensorFlow.

    Threads must take turns, as with the `Network` inside.

    Attributes:
        network: Pixels to D features.
        kernel: float64 (D, K), of the last dense layer.
        bias: float64 (K,).
    """

    batch_size: ClassVar[int] = 8  # LiteRT keeps room for the activations of all of them
    network: Network
    kernel: np.ndarray
    bias: np.ndarray

    @classmethod
    def load(cls, run: Run) -> Self:
        """Load the light form of a run.

        Raises:
            RunError: The run has none, or its files are missing, changed, or contradict it.
            WeightsError: LiteRT is not installed, or cannot run the network.
        """
        if not has_light_form(run):
            raise RunError(
                f"{run.folder} has no light form: its training wrote none. "
                "Predict with --runtime keras, or train again."
            )
        decision = stored_decision(run)
        record = run.manifest["light"]
        content = _read(run.light_network_path, record["features_sha256"])
        kernel, bias = _read_head(run.light_head_path, record["head_sha256"])
        network = Network(content, threads=os.cpu_count() or 1)
        ood_score = stored_ood_score(run, network.feature_count)
        wanted = (decision["image_size"], network.feature_count, len(decision["classes"]))
        if (network.input_size, *kernel.shape) != wanted or bias.shape != wanted[2:]:
            raise RunError(
                f"{run.folder} contradicts itself: its light form takes {network.input_size} "
                f"pixels a side, {network.feature_count} features and a kernel of shape "
                f"{kernel.shape}, and {run.recipe_path.name} says {wanted[0]} pixels and "
                f"{wanted[2]} classes. Train it again."
            )
        return cls(**decision, ood_score=ood_score, network=network, kernel=kernel, bias=bias)

    def compute(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return the probabilities and the features of a batch."""
        features = self.network(batch)
        logits = features.astype(np.float64) @ self.kernel + self.bias
        return {"probabilities": softmax(logits), "features": features}


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return exp(logits) of each row (N, K), divided by its sum; NaN where a row is not finite."""
    with np.errstate(invalid="ignore"):  # infinity less infinity
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def stored_ood_score(run: Run, feature_count: int) -> OodScore | None:
    """Return the out-of-distribution score that a run fitted; None without one.

    Raises:
        RunError: The file is missing, changed, or of another number of features.
    """
    record = ood_record(run)
    if not record:
        return None
    content = _read(run.light_ood_path, record["sha256"], what_next="Train again.")
    ood_score = OodScore.from_bytes(content)
    if ood_score.means.shape[1] != feature_count:
        raise RunError(
            f"{run.folder} contradicts itself: its model has {feature_count} features, and "
            f"{run.light_ood_path.name} {ood_score.means.shape[1]}. Train it again."
        )
    return ood_score


def _read(
    path: Path,
    sha256: str,
    *,
    what_next: str = "Predict with --runtime keras, or train again.",
) -> bytes:
    """Read a file of the light form that has the hash in the manifest."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"Cannot read {path}: {error.strerror}. {what_next}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise RunError(
            f"{path} is not the file that the training wrote. Received: sha256={found}, expected "
            f"{sha256}. {what_next}"
        )
    return content


def _read_head(path: Path, sha256: str) -> tuple[np.ndarray, np.ndarray]:
    arrays: Any = np.load(io.BytesIO(_read(path, sha256)), allow_pickle=False)
    return arrays["kernel"].astype(np.float64), arrays["bias"].astype(np.float64)
