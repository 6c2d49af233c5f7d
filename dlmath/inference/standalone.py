"""Answer for image files by a LiteRT or ONNX export: what its program `classify.py` runs.

An export carries this file and all that it imports as they are, see `dlmath.export.sidecar_files`;
so it needs NumPy, Pillow and the runtime of the network, and no dlmath.
"""

import json
import sys
from pathlib import Path

from ..data.lost_data import read_with_doubts
from ..errors import DataError
from .classifier import Classifier
from .export_files import LITERT
from .litert_onnx import LiteRTClassifier, OnnxClassifier
from .outcome import Prediction, predict_one


def load(folder: Path) -> Classifier:
    """Load the classifier in the folder of a LiteRT or ONNX export.

    Raises:
        RunError: A file is missing or damaged, or its runtime is not installed.
    """
    kind = LiteRTClassifier if (folder / LITERT).is_file() else OnnxClassifier
    return kind.load(folder)


def classify(classifier: Classifier, path: Path) -> Prediction:
    """Return the prediction for one file, or the reason why there is none."""
    try:
        picture = read_with_doubts(path, str(path), classifier.image_size)
    except DataError as error:
        return Prediction(str(path), error=str(error))
    outputs = classifier.predict(picture.pixels[None])
    return predict_one(classifier, path, outputs, picture.doubts)


def main(folder: Path, files: list[str]) -> None:
    """Print the predictions of an export for files; exit with 2 if one cannot be read.

    Args:
        folder: The folder of the export.
        files: Paths of image files.
    """
    classifier = load(folder)
    predictions = [classify(classifier, Path(file)) for file in files]
    print(json.dumps([one.as_json() for one in predictions], indent=2, ensure_ascii=False))  # noqa: T201
    if any(one.error is not None for one in predictions):
        sys.exit(2)
