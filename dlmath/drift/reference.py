"""Reference of the drift test: a run's validation images, which it was not trained on.

Training images would not do: a model knows them better than any others, and every new image would
look like drift.
"""

import hashlib
import io
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from dlmath.data.pixels import load_pixels
from dlmath.data.run_data import RunData
from dlmath.drift.pictures import describe
from dlmath.drift.sketch import Sketch, project
from dlmath.errors import DataError, RunError
from dlmath.inference.classifier import Classifier
from dlmath.inference.ood_score import OodScore
from dlmath.reporting import Reporter
from dlmath.runs import Run, write_bytes
from dlmath.stats.bootstrap import cluster_indices


@dataclass(frozen=True, eq=False)
class Reference:
    """Outputs of a run's model for its validation images; no image and no name of a patient.

    Attributes:
        projected: (N, k), see `dlmath.drift.sketch.project`.
        probabilities: (N, K).
        ood_scores: (N,) out-of-distribution scores; NaN where the run fitted none.
        labels: (N,) class indices.
        patients: (N,) indices 0..P-1.
        pictures: (N, p), see `dlmath.drift.pictures`; (N, 0) in what older versions wrote.
    """

    projected: np.ndarray
    probabilities: np.ndarray
    ood_scores: np.ndarray
    labels: np.ndarray
    patients: np.ndarray
    pictures: np.ndarray

    def rows(self, sketch: Sketch) -> np.ndarray:
        """Return the numbers that are compared, (N, F)."""
        ood_scores = self.ood_scores if sketch.layout.directions else None
        return sketch.rows(self.projected, self.probabilities, ood_scores, self.pictures)

    def to_bytes(self) -> bytes:
        """Return it as an `.npz` file: float32 and int32."""
        buffer = io.BytesIO()
        kinds = {"labels": np.int32, "patients": np.int32}
        arrays: Any = {
            name: array.astype(kinds.get(name, np.float32)) for name, array in asdict(self).items()
        }
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` wrote."""
        arrays: Any = np.load(io.BytesIO(content), allow_pickle=False)
        scores = "ood_scores" if "ood_scores" in arrays else "distances"  # its earlier name
        labels = arrays["labels"]
        return cls(
            projected=arrays["projected"].astype(np.float64),
            probabilities=arrays["probabilities"].astype(np.float64),
            ood_scores=arrays[scores].astype(np.float64),
            labels=labels,
            patients=arrays["patients"],
            pictures=np.array(arrays.get("pictures", np.empty((len(labels), 0))), np.float64),
        )


def write_reference(
    run: Run,
    features: np.ndarray,
    probabilities: np.ndarray,
    labels: np.ndarray,
    patients: list[str | None],
    pictures: np.ndarray,
) -> dict[str, Any]:
    """Write what a training leaves for `dlmath drift`, and return what the manifest says of it.

    Args:
        run: With its out-of-distribution score, where it could be fitted. Gets `light/drift.npz`.
        features: (N, D) of the validation images.
        probabilities: (N, K).
        labels: (N,) class indices.
        patients: Of each image; None counts as a patient of its own.
        pictures: (N, p), see `dlmath.drift.pictures.describe`.
    """
    projected, ood_scores = np.zeros((len(labels), 0)), np.full(len(labels), np.nan)
    if run.light_ood_path.is_file():
        ood_score = OodScore.from_bytes(run.light_ood_path.read_bytes())
        projected = project(ood_score, features, probabilities)
        ood_scores = ood_score(features.astype(np.float64))
    clusters = cluster_indices(patients)
    reference = Reference(projected, probabilities, ood_scores, labels, clusters, pictures)
    content = reference.to_bytes()
    write_bytes(run.drift_reference_path, content)
    return {"sha256": hashlib.sha256(content).hexdigest(), "images": len(labels)}


def find_reference(run: Run, classifier: Classifier, reporter: Reporter) -> Reference:
    """Return a run's reference; for a run of before it was kept, from its images.

    Raises:
        RunError: The file is missing or changed; or there is none, and the images are gone.
    """
    record = run.manifest.get("drift")
    return _stored(run, record["sha256"]) if record else _computed(run, classifier, reporter)


def _stored(run: Run, sha256: str) -> Reference:
    path = run.drift_reference_path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"Cannot read {path}: {error.strerror}. Train again.") from error
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise RunError(
            f"{path} is not the file that the training wrote. Received: sha256={found}, expected "
            f"{sha256}. Train again."
        )
    return Reference.from_bytes(content)


def _computed(run: Run, classifier: Classifier, reporter: Reporter) -> Reference:
    reporter.say(f"{run.folder} keeps nothing to compare with: its images are looked at again.")
    try:
        examples = RunData(run, reporter=reporter).part("validation")
    except DataError as error:
        raise RunError(
            f"{run.folder} was trained before runs kept what drift is measured from, and its "
            f"validation images cannot be read: {error} Put them back, or train again."
        ) from error
    pixels = load_pixels(examples, classifier.image_size, on_bad_file="skip")
    outputs = classifier.predict(pixels.array, reporter.task("validation images"))
    none = np.full(len(pixels.examples), np.nan)
    return Reference(
        Sketch.of(classifier).project(outputs),
        outputs.probabilities,
        none if outputs.ood_scores is None else outputs.ood_scores,
        np.array([classifier.classes.index(example.label) for example in pixels.examples]),
        cluster_indices([example.patient for example in pixels.examples]),
        describe(pixels.array),
    )
