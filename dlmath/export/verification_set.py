"""The verification set of an export: images, and the run's outputs for them.

They are those of the run's test part. A run that was copied to another machine without its data is
verified on drawn images, since what is compared are two functions; but a function is known best
where it is used, so that is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from dlmath.data.image_graph import decode_and_resize_batch
from dlmath.data.images import read, read_checked
from dlmath.data.phantom import draw_samples
from dlmath.data.pixels import load_pixels
from dlmath.data.run_data import RunData
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import Split
from dlmath.evaluation.composition import class_counts
from dlmath.inference.classifier import Outputs
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run

IMAGES = 64
DRAWN = 48  # of each kind, to choose from


@dataclass(frozen=True, eq=False)
class VerificationSet:
    """Images, and the outputs that an export must reproduce.

    Attributes:
        files: N image files.
        by_class: How many of them are of each class; empty for drawn ones, which have none.
        pixels: The same, decoded and resized: uint8 (N, size, size, 3).
        probabilities: The outputs of the run's model, (N, K).
        ood_scores: Out-of-distribution scores, (N,); None where the run has none fitted.
        classifier: The classifier of the run.
        drawn: Whether the images are drawn, for those of the run are not there.
    """

    files: tuple[Path, ...]
    by_class: dict[str, int]
    pixels: np.ndarray
    probabilities: np.ndarray
    ood_scores: np.ndarray | None
    classifier: KerasClassifier
    drawn: bool = False

    @property
    def decisions(self) -> np.ndarray:
        """Indices of the decided classes, (N,)."""
        return self.classifier.decide(self.probabilities)

    @property
    def abstains(self) -> np.ndarray | None:
        """The abstentions of the classifier, (N,) bool; None without a rule."""
        return self.classifier.abstains(self.probabilities, self.ood_scores)


def gather_verification_set(
    run: Run,
    classifier: KerasClassifier,
    parts: Split | None = None,
    *,
    by_graph: bool = True,
    reporter: Reporter = SILENT,
) -> VerificationSet:
    """Return images spread over the run's test part, with the run's outputs for them.

    Args:
        run: With its data.
        classifier: Of the run.
        parts: The run's images, if they were read before.
        by_graph: Whether the export reads files in TensorFlow operations, whose pixels may differ
            from Pillow's by one of 255 levels.
        reporter: Receives the progress.

    Raises:
        DataError: The data of the run are not there.
        RunError: The model gives NaN.
    """
    parts = parts or RunData(run, reporter=reporter).split
    everything = (*parts.part("train"), *parts.part("validation"), *parts.part("test"))
    examples = spread(parts.part("test") or everything, IMAGES)
    pixels = load_pixels(examples, classifier.image_size, on_bad_file="skip")
    files = tuple(example.path for example in pixels.examples)
    array = _by_graph(files, classifier) if by_graph else np.asarray(pixels.array)
    outputs = _outputs(run, classifier, array)
    truth = np.array([classifier.classes.index(example.label) for example in pixels.examples])
    by_class = class_counts(truth, classifier.classes)
    return VerificationSet(
        files, by_class, array, outputs.probabilities, outputs.ood_scores, classifier
    )


def draw_verification_set(
    run: Run, classifier: KerasClassifier, folder: Path, *, by_graph: bool = True
) -> VerificationSet:
    """Return drawn images, with the run's outputs for them.

    Of more that are drawn these are the ones that the run is least sure of: where a probability
    is 0 or 1 in float32, two functions look more alike than they are.

    Args:
        run: The run.
        classifier: Of the run.
        folder: Where the images are written; they are needed as long as the set is.
        by_graph: As in `gather_verification_set`.

    Raises:
        RunError: The model gives NaN.
    """
    files = np.array(draw_samples(folder, DRAWN))
    if by_graph:
        array = _by_graph(files.tolist(), classifier)
    else:
        array = np.stack([read(file, str(file), classifier.image_size) for file in files])
    outputs = _outputs(run, classifier, array)
    chosen = np.sort(np.argsort(outputs.probabilities.max(axis=1), kind="stable")[:IMAGES])
    return VerificationSet(
        files=tuple(files[chosen].tolist()),
        by_class={},
        pixels=array[chosen],
        probabilities=outputs.probabilities[chosen],
        ood_scores=None if outputs.ood_scores is None else outputs.ood_scores[chosen],
        classifier=classifier,
        drawn=True,
    )


def _by_graph(files: Sequence[Path], classifier: KerasClassifier) -> np.ndarray:
    """Return the pixels of files as TensorFlow operations read them, (N, size, size, 3)."""
    encoded = tf.constant([read_checked(file, str(file)) for file in files])
    return decode_and_resize_batch(encoded, classifier.image_size).numpy()


def _outputs(run: Run, classifier: KerasClassifier, pixels: np.ndarray) -> Outputs:
    outputs = classifier.predict(pixels)
    outputs.check_finite(
        lambda _: f"The model of {run.folder} gives NaN", ": there is nothing to export"
    )
    return outputs


def spread(examples: Sequence[ImageRecord], most: int) -> list[ImageRecord]:
    """Return at most `most` of the examples, evenly spread over them."""
    rows = np.unique(np.linspace(0, len(examples) - 1, most).round().astype(int))
    return [examples[row] for row in rows]
