"""Run an exported SavedModel as its users do: with TensorFlow, without dlmath.

A program of its own: python -I run_saved_model.py MODEL FOLDER. FOLDER holds `images/` (files)
and `pixels.npy`; the outputs of the signatures are written to `outputs.npz` in it.
"""

import sys
import time
from pathlib import Path

import numpy as np
import tensorflow as tf


def main(model: str, folder: Path) -> None:
    """Run every signature on the images of the verification set."""
    signatures = tf.saved_model.load(model).signatures
    encoded = tf.constant([path.read_bytes() for path in sorted((folder / "images").iterdir())])
    pixels = tf.constant(np.load(folder / "pixels.npy"), tf.float32)
    serve_pixels = signatures["serve_pixels"]
    outputs = {
        "serving_default": signatures["serving_default"](images=encoded),
        "serve_pixels": serve_pixels(pixels=pixels),
    }
    if "explain" in signatures:
        outputs["explain"] = signatures["explain"](images=encoded)
    started = time.perf_counter()  # the first call has set everything up
    serve_pixels(pixels=pixels)
    seconds = time.perf_counter() - started
    if "dlmath" in sys.modules:
        raise SystemExit("dlmath was loaded, and this was to show that it is not needed.")
    served = outputs["serving_default"]
    found = {f"probabilities {name}": output["probabilities"] for name, output in outputs.items()}
    found |= {name: served[name] for name in ("abstains", "ood_score") if name in served}
    if "explain" in outputs:
        found["heat_map"] = outputs["explain"]["heat_map"]
    np.savez(
        folder / "outputs.npz",
        **found,
        classes=_texts(served["classes"]),
        decision=_texts(served["decision"]),
        seconds=seconds,
    )


def _texts(names: tf.Tensor) -> np.ndarray:
    """Return names that TensorFlow holds as UTF-8, which `astype(str)` would take for ASCII."""
    return np.char.decode(names.numpy().astype(bytes), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
