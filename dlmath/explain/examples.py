"""Explanations of chosen images, ready for a report."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dlmath.data import images
from dlmath.errors import DataError
from dlmath.explain.checks import report_metrics
from dlmath.explain.explainer import Explainer
from dlmath.explain.overlay import draw_pair
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.reporting import SILENT, Reporter

SIDE = 192  # pixels of each panel: as wide as two of them are on a phone


class MapPicture(NamedTuple):
    """One explained image.

    Attributes:
        class_name: The class that was decided, and is explained.
        probability: Of that class.
        picture: A PNG file: the image as the model sees it, and the map over it.
        said: What was measured of the map and is as it should be, a line each.
        warnings: Why the map should not be believed, a sentence each.
    """

    class_name: str
    probability: float
    picture: bytes
    said: tuple[str, ...]
    warnings: tuple[str, ...]


def explain_examples(
    classifier: KerasClassifier,
    files: Sequence[Path],
    reporter: Reporter = SILENT,
    *,
    method: str = "grad_cam",
) -> list[MapPicture | None]:
    """Explain what is decided of a few images, each map put to the test: deletion and sanity.

    A file that cannot be explained gives None: a report is not lost for an image.

    Args:
        classifier: Of a run.
        files: Image files.
        reporter: Receives the progress.
        method: One of `dlmath.explain.METHODS`.

    Raises:
        UserError: There is no such method.
        DataError: The model has no feature map, and the method needs one.
    """
    explainer = Explainer(classifier, method, measure=report_metrics)
    explainer.check_feature_map()
    found = []
    for done, file in enumerate(files, start=1):
        found.append(_explain(explainer, file))
        reporter.progress("explaining", done, len(files))
    return found


def _explain(explainer: Explainer, file: Path) -> MapPicture | None:
    try:
        one = explainer.explain(file)
        pixels = images.read(file, str(file), explainer.classifier.image_size)
    except DataError:
        return None
    said = tuple(f"{metric.name}: {metric.said}" for metric in one.metrics if metric.passed)
    picture = draw_pair(pixels, one.heat_map.heat, SIDE)
    return MapPicture(one.class_name, one.probability, picture, said, one.warnings)
