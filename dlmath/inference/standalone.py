"""Answer for image files by a LiteRT or ONNX export: what its program `classify.py` runs.

An export carries this file and all that it imports as they are, see `dlmath.export.sidecar_files`;
so it needs NumPy, Pillow and the runtime of the network, and no dlmath.
"""

import argparse
import json
import sys
from pathlib import Path

from ..data.lost_data import read_with_doubts
from ..errors import DataError, UserError
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


def files_in(given: Path) -> list[Path]:
    """Return a file itself, or the files of a folder to its depths, by name, none hidden."""
    if not given.is_dir():
        return [given]
    found = (path for path in given.rglob("*") if path.is_file())
    return sorted(path for path in found if not _is_hidden(path.relative_to(given)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) or part == "Thumbs.db" for part in path.parts)


def main(folder: Path, arguments: list[str]) -> None:
    """Print the predictions of an export for files; exit with 2 if one cannot be read.

    Args:
        folder: The folder of the export.
        arguments: Paths of image files and of folders of them, or `--help`.
    """
    parser = argparse.ArgumentParser(
        prog="classify.py",
        description="Say what images show, as one JSON document on stdout. Files that cannot be "
        "read have an `error` in it, and the exit code is 2.",
        epilog="Research use only: not a medical device.",
    )
    parser.add_argument(
        "images", nargs="+", metavar="IMAGE", type=Path, help="an image file, or a folder of them"
    )
    given = parser.parse_args(arguments).images
    files = [file for one in given for file in files_in(one)]
    if not files:
        parser.error(f"There is no file in {given[0]}. Name an image, or a folder of them.")
    try:
        classifier = load(folder)
    except UserError as error:
        parser.exit(2, f"Error: {error}\n")
    predictions = [classify(classifier, file) for file in files]
    # Escapes are the same JSON, and pass through an output that is not UTF-8.
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    document = [one.as_json() for one in predictions]
    print(json.dumps(document, indent=2, ensure_ascii=not is_utf8))  # noqa: T201
    if any(one.error is not None for one in predictions):
        sys.exit(2)
