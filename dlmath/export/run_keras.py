"""Run an exported `.keras` file in a process that knows nothing of the one that wrote it.

A program of its own: python -P run_keras.py MODEL FOLDER, as `run_saved_model.py`.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.inference.runtimes import load_classifier


def main(model: Path, folder: Path) -> None:
    """Run the model on the pixels of the verification set."""
    classifier = load_classifier(model)
    pixels = np.load(folder / "pixels.npy")
    classifier.predict(pixels)
    started = time.perf_counter()  # the first call has set everything up
    outputs = classifier.predict(pixels)
    seconds = time.perf_counter() - started
    names = np.array(classifier.classes)
    found: dict[str, Any] = {
        "probabilities model": outputs.probabilities,
        "classes": np.tile(names, (len(pixels), 1)),
        "decision": names[classifier.decide(outputs.probabilities)],
        "abstains": classifier.abstains(outputs.probabilities, outputs.ood_scores),
        "ood_score": outputs.ood_scores,
        "seconds": seconds,
    }
    known = {name: values for name, values in found.items() if values is not None}
    np.savez(folder / "outputs.npz", **known)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
