"""Heat maps for the server, in a thread of their own.

Keras is loaded for the first map of a run or a `.keras` file; a SavedModel has a signature of maps.
"""

import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from dlmath.errors import DataError
from dlmath.inference.classifier import Classifier
from dlmath.inference.outcome import Prediction
from dlmath.inference.runtimes import RUNTIMES, kind_of_export
from dlmath.inference.saved_model_classifier import SavedModelClassifier
from dlmath.runs import Run
from dlmath.serving.limits import Limits
from dlmath.serving.reading import read_pixels, read_upright
from dlmath.serving.refusal import Refusal

if TYPE_CHECKING:
    from dlmath.explain.heat_map import HeatMap

# Pixels uint8 (S, S, 3) and the index of the class that was decided, to its map.
Explain = Callable[[np.ndarray, int], "HeatMap"]
Quietly = Callable[[], AbstractContextManager[None]]

_NO_FEATURES = "This network has no feature map to explain."


class MapMaker:
    """Draws where images hold what speaks for their class.

    Args:
        model: A run or an export.
        classifier: Which answers for it.
        quietly: Entered while the first map is made, which loads what writes to stderr.

    Attributes:
        why_none: Why there are no maps, where that is known from the beginning.
    """

    def __init__(self, model: Run | Path, classifier: Classifier, quietly: Quietly = nullcontext):
        self._model = model
        self._size = classifier.image_size
        self._quietly = quietly
        self._explain: Explain | None = None
        self.why_none = _why_none(model, classifier)
        if isinstance(classifier, SavedModelClassifier) and self.why_none is None:
            self._explain = _by_signature(classifier)
        self._thread = ThreadPoolExecutor(1, "dlmath-maps")  # Keras's model is not made for more

    @property
    def is_loaded(self) -> bool:
        """Return whether the explaining model is loaded: the first map waits for it."""
        return self._explain is not None

    def submit(self, content: bytes, prediction: Prediction, limits: Limits) -> "Future[HeatMap]":
        """Ask for the map of an image that the server has answered, for the class it decided.

        The future raises `Refusal` where the model gives no maps.
        """
        return self._thread.submit(self._map, content, prediction, limits)

    def close(self) -> None:
        """Finish the map at work, and drop those that wait."""
        self._thread.shutdown(cancel_futures=True)

    def _map(self, content: bytes, prediction: Prediction, limits: Limits) -> "HeatMap":
        assert prediction.decision is not None
        assert prediction.probabilities is not None
        if self.why_none is not None:
            raise Refusal(404, self.why_none, code="no_maps")
        pixels = read_pixels(content, prediction.file, self._size, limits)
        index = list(prediction.probabilities).index(prediction.decision)
        if self._explain is not None:
            return self._explain(pixels, index)
        with self._quietly():
            self._explain = explain = _by_keras(self._model)
            return explain(pixels, index)


def draw_sheet(
    content: bytes, prediction: Prediction, heat_map: "HeatMap", limits: Limits
) -> bytes:
    """Draw an image and the map over it, with why the map should not be believed, as a PNG file."""
    from dlmath.explain.checks import failures
    from dlmath.explain.overlay import draw_overlay

    name = str(prediction.decision)
    probability = (prediction.probabilities or {})[name]
    # Without the file's name, which is the client's and may be anything.
    title = f"What speaks for {name} (probability {probability:.3f}), Grad-CAM"
    lines = [f"Warning: {warning}" for warning in failures(heat_map, (), name)]
    upright = read_upright(content, prediction.file, limits)
    return draw_overlay(upright, heat_map.heat, title, lines)


def _why_none(model: Run | Path, classifier: Classifier) -> str | None:
    kind = "keras" if isinstance(model, Run) else kind_of_export(model)
    if kind is not None and not RUNTIMES[kind].gives_maps:
        return (
            f"An export as {kind} has no gradients, of which heat maps are made. Serve the run, or "
            "its export as keras or saved_model."
        )
    if not isinstance(classifier, SavedModelClassifier):
        return None
    return None if "explain" in classifier.loaded.signatures else _NO_FEATURES


def _by_signature(classifier: SavedModelClassifier) -> Explain:
    """Return what asks a SavedModel, by pixels that Pillow has read: only PNG files of our own."""
    signature = classifier.loaded.signatures["explain"]

    def explain(pixels: np.ndarray, index: int) -> "HeatMap":
        import tensorflow as tf

        from dlmath.explain.heat_map import HeatMap

        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        # Of the class that it decides: by the same pixels, the one that was answered.
        values = signature(images=tf.constant([buffer.getvalue()]))["heat_map"].numpy()[0]
        return HeatMap(values, len(values))

    return explain


def _by_keras(model: Run | Path) -> Explain:
    from dlmath.explain.classifier_parts import ClassifierParts
    from dlmath.explain.methods import find_method
    from dlmath.inference.keras_classifier import KerasClassifier
    from dlmath.inference.runtimes import load_classifier

    classifier = load_classifier(model, "keras" if isinstance(model, Run) else "auto")
    assert isinstance(classifier, KerasClassifier)
    parts = ClassifierParts(classifier.model)
    try:
        _ = parts.feature_map
    except DataError as error:
        raise Refusal(404, _NO_FEATURES, code="no_maps") from error
    method = find_method("grad_cam")
    return lambda pixels, index: method(parts, pixels, index)
