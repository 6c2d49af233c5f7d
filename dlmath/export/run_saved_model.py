"""Run an exported SavedModel as its receiver will: with TensorFlow, without dlmath.

A program of its own: python -I run_saved_model.py MODEL CASES. CASES holds `images/` (files)
and `pixels.npy`; the outputs of both signatures are written to `outputs.npz` in it.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf


def main(model: str, cases: Path) -> None:
    """Run both signatures on the cases."""
    signatures = tf.saved_model.load(model).signatures
    encoded = [path.read_bytes() for path in sorted((cases / "images").iterdir())]
    pixels = tf.constant(np.load(cases / "pixels.npy"), tf.float32)
    outputs = {
        "serving_default": signatures["serving_default"](images=tf.constant(encoded)),
        "serve_pixels": signatures["serve_pixels"](pixels=pixels),
    }
    if "dlmath" in sys.modules:
        raise SystemExit("dlmath was loaded, and this was to show that it is not needed.")
    np.savez(
        cases / "outputs.npz",
        **{name: output["probabilities"] for name, output in outputs.items()},
        classes=outputs["serving_default"]["classes"].numpy().astype(str),
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
