"""Run an exported `.keras` file in a process that knows nothing of the one that wrote it.

A program of its own: python -P run_keras.py MODEL CASES, as `run_saved_model.py`.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.inference.exported_classifier import open_export


def main(model: Path, cases: Path) -> None:
    """Run the model on the cases' pixels."""
    classifier = open_export(model)
    pixels = np.load(cases / "pixels.npy")
    classifier.answer(pixels)
    started = time.perf_counter()  # the first call has set everything up
    answers = classifier.answer(pixels)
    seconds = time.perf_counter() - started
    names = np.array(classifier.classes)
    found: dict[str, Any] = {
        "probabilities model": answers.probabilities,
        "classes": np.tile(names, (len(pixels), 1)),
        "decision": names[classifier.decide(answers.probabilities)],
        "abstains": classifier.abstains(answers.probabilities, answers.distances),
        "distance": answers.distances,
        "seconds": seconds,
    }
    known = {name: values for name, values in found.items() if values is not None}
    np.savez(cases / "outputs.npz", **known)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
