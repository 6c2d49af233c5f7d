"""Heat maps for the server. Keras is loaded for the first of them, and computes in one thread."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from dlmath.errors import DataError
from dlmath.evaluation.prediction import Prediction
from dlmath.light.exported import kind_of_export
from dlmath.runs import Run
from dlmath.serving.limits import Limits
from dlmath.serving.reading import read_pixels, read_upright
from dlmath.serving.refusal import Refusal

if TYPE_CHECKING:
    from dlmath.explain.classifier_parts import ClassifierParts
    from dlmath.explain.heat_map import HeatMap


class MapMaker:
    """Draws where images hold what speaks for their class.

    Args:
        model: A run or an export.
    """

    def __init__(self, model: Run | Path):
        self._model = model
        self._parts: ClassifierParts | None = None
        self._thread = ThreadPoolExecutor(1, "dlmath-maps")  # Keras's model is not made for more

    @property
    def is_loaded(self) -> bool:
        """Whether Keras and the model are there, so that a map takes no longer than others."""
        return self._parts is not None

    def submit(self, content: bytes, prediction: Prediction, limits: Limits) -> "Future[HeatMap]":
        """Ask for the map of an image that the server has answered, for the class it decided.

        The future raises `Refusal` where the model gives no maps.
        """
        return self._thread.submit(self._explain, content, prediction, limits)

    def close(self) -> None:
        """Finish the map at work, and drop those that wait."""
        self._thread.shutdown(cancel_futures=True)

    def _explain(self, content: bytes, prediction: Prediction, limits: Limits) -> "HeatMap":
        from dlmath.explain.methods import find_method

        assert prediction.decision is not None
        assert prediction.probabilities is not None
        parts = self._loaded()
        pixels = read_pixels(content, prediction.file, parts.image_size, limits)
        index = list(prediction.probabilities).index(prediction.decision)
        return find_method("grad_cam")(parts, pixels, index)

    def _loaded(self) -> "ClassifierParts":
        if self._parts is None:
            # A LiteRT or ONNX file has no gradients, and the one in a SavedModel is no Keras model.
            if isinstance(self._model, Path) and kind_of_export(self._model) != "keras":
                raise Refusal(
                    404,
                    "This export gives no heat maps. Serve the run, or its export as keras.",
                    code="no_maps",
                )
            self._parts = _load_parts(self._model)
        return self._parts


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


def _load_parts(model: Run | Path) -> "ClassifierParts":
    from dlmath.evaluation.classifier import Classifier
    from dlmath.evaluation.predict_files import load_classifier
    from dlmath.explain.classifier_parts import ClassifierParts

    classifier = load_classifier(model, "keras") if isinstance(model, Run) else None
    classifier = classifier or load_classifier(model)
    assert isinstance(classifier, Classifier)
    parts = ClassifierParts(classifier.model)
    try:
        _ = parts.feature_map
    except DataError as error:
        raise Refusal(404, "This network has no feature map to explain.", code="no_maps") from error
    return parts
