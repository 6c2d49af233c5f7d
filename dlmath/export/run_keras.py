"""Run an exported `.keras` file in a process that knows nothing of the one that wrote it.

A program of its own: python -P run_keras.py MODEL CASES, as `run_saved_model.py`.
"""

import sys
from pathlib import Path

import numpy as np

from dlmath.evaluation.probabilities import predict_probabilities
from dlmath.models import load


def main(model: str, cases: Path) -> None:
    """Run the model on the cases' pixels."""
    pixels = np.load(cases / "pixels.npy")
    np.savez(cases / "outputs.npz", model=predict_probabilities(load(model), pixels))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
