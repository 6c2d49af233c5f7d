"""The two programs that lie beside a LiteRT or ONNX export, which need no dlmath.

`preprocess.py` reads an image file as training did. `classify.py` says of files what
`dlmath predict --json` says of them. Both are cut out of the source that dlmath itself runs.
"""

import json
import sys
from pathlib import Path

import numpy as np

from dlmath.data.image_headers import check_image, damaged
from dlmath.data.pillow_images import decode_and_resize
from dlmath.errors import DataError
from dlmath.export.bundle import bundle
from dlmath.inference.classifier import Classifier
from dlmath.inference.portable_classifiers import LiteRTClassifier, OnnxClassifier
from dlmath.inference.predict_files import predict_one
from dlmath.inference.prediction import Prediction
from dlmath.inference.runtimes import LITERT

_PREPROCESS = """Read an image file as in training, in Pillow and NumPy.

    from preprocess import preprocess
    pixels = preprocess("image.png", size)  # uint8 (size, size, 3), RGB

Written by `dlmath export`.
"""

_CLASSIFY = """Say what images show, as JSON: python classify.py IMAGE...

Needs NumPy, Pillow, and ai-edge-litert or onnxruntime. Files that cannot be read are reported, and
the exit code is 2. Written by `dlmath export`. Research use only: not a medical device.
"""

_MAIN = """if __name__ == "__main__":
    main(Path(__file__).resolve().parent, sys.argv[1:])"""


def preprocess(path: str | Path, size: int) -> np.ndarray:
    """Read, check, decode and resize a PNG or JPEG file to uint8 (size, size, 3), RGB.

    Raises:
        DataError: It cannot be read as an image; one line that begins with its path.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    check_image(data, str(path))
    try:
        return decode_and_resize(data, size)
    # Each of Pillow's readers fails by an exception of its own; all of them say this.
    except Exception as error:
        raise damaged(str(path), data) from error


def load(folder: Path) -> Classifier:
    """Load the classifier in the folder of a LiteRT or ONNX export.

    Raises:
        RunError: A file is missing or damaged, or its runtime is not installed.
    """
    kind = LiteRTClassifier if (folder / LITERT).is_file() else OnnxClassifier
    return kind.load(folder)


def classify(classifier: Classifier, path: Path) -> Prediction:
    """Return what a classifier predicts for a file."""
    try:
        pixels = preprocess(path, classifier.image_size)
    except DataError as error:
        return Prediction(str(path), error=str(error))
    return predict_one(classifier, path, classifier.predict(pixels[np.newaxis]))


def main(folder: Path, files: list[str]) -> None:
    """Print what the export in a folder says of files; exit with 2 if one cannot be read."""
    classifier = load(folder)
    predictions = [classify(classifier, Path(file)) for file in files]
    print(json.dumps([one.as_json() for one in predictions], indent=2, ensure_ascii=False))  # noqa: T201
    if any(one.error is not None for one in predictions):
        sys.exit(2)


def programs() -> dict[str, str]:
    """Return the source of both programs by the names of their files."""
    here, errors = __name__, "dlmath.errors"
    own = ["preprocess", "DataError", "UserError", "DlmathError"]
    return {
        "preprocess.py": bundle(_PREPROCESS, [(here, "preprocess"), (errors, "DataError")]),
        "classify.py": bundle(
            _CLASSIFY, [(here, "main")], beside={"preprocess": own}, ending=_MAIN
        ),
    }
