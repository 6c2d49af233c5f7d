"""Run a LiteRT or ONNX export as its users do: by the programs in its folder, without dlmath.

A program of its own: python -I run_standalone.py MODEL FOLDER, as `run_saved_model.py`.
"""

import importlib
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def main(model: Path, folder: Path) -> None:
    """Run the export on the files of the verification set, and on their pixels."""
    sys.path.insert(0, str(model))
    shipped = importlib.import_module("classify")
    classifier = shipped.load(model)
    said = [shipped.classify(classifier, path) for path in sorted((folder / "images").iterdir())]
    pixels = np.load(folder / "pixels.npy")
    classifier.predict(pixels)
    started = time.perf_counter()  # the first call has set everything up
    outputs = classifier.predict(pixels)
    seconds = time.perf_counter() - started
    if {"dlmath", "tensorflow", "keras"} & set(sys.modules):
        raise SystemExit("dlmath or TensorFlow was loaded: this was to show that none is needed.")
    wrong = [one.error for one in said if one.error]
    if wrong:
        raise SystemExit(wrong[0])
    found: dict[str, Any] = {
        "probabilities files": [list(one.probabilities.values()) for one in said],
        "probabilities pixels": outputs.probabilities,
        "classes": [classifier.classes] * len(said),
        "decision": [one.decision for one in said],
        "abstains": classifier.abstains(outputs.probabilities, outputs.ood_scores),
        "ood_score": outputs.ood_scores,
        "seconds": seconds,
    }
    known = {name: values for name, values in found.items() if values is not None}
    np.savez(folder / "outputs.npz", **known)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
