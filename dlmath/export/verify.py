"""Proof that an export does what its run does: other process, same images, same probabilities."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from dlmath.data.image_headers import read_checked
from dlmath.data.images import decode_and_resize_batch
from dlmath.data.pixels import load_pixels
from dlmath.errors import VerificationError
from dlmath.evaluation.classifier import Classifier
from dlmath.evaluation.subject import own_images
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run

TOLERANCE = 1e-5
IMAGES = 16


@dataclass(frozen=True, eq=False)
class Cases:
    """What an export must reproduce.

    Attributes:
        files: N image files.
        pixels: The same, decoded and resized: uint8 (N, size, size, 3).
        probabilities: What the run's model says of them: (N, K).
        classes: The K names.
    """

    files: tuple[Path, ...]
    pixels: np.ndarray
    probabilities: np.ndarray
    classes: tuple[str, ...]


def gather_cases(run: Run, classifier: Classifier, reporter: Reporter = SILENT) -> Cases:
    """Return images spread over the run's test part, with what the run says of them.

    Raises:
        DataError: The data of the run are not there.
    """
    examples = own_images(run, "test", reporter).examples
    rows = np.unique(np.linspace(0, len(examples) - 1, IMAGES).round().astype(int))
    pixels = load_pixels([examples[row] for row in rows], classifier.image_size, on_bad_file="skip")
    files = tuple(example.path for example in pixels.examples)
    # By the export's own reading: it may differ from Pillow's by one of 255 levels.
    encoded = tf.constant([read_checked(file, str(file)) for file in files])
    array = decode_and_resize_batch(encoded, classifier.image_size).numpy()
    return Cases(files, array, classifier.probabilities(array), classifier.classes)


def verify(model: Path, program: str, cases: Cases, *, isolated: bool) -> dict[str, Any]:
    """Run an export in a fresh process and compare; return what was found, for the record.

    Args:
        model: The export.
        program: The file beside this one that runs it.
        cases: What it must reproduce.
        isolated: Whether the process may not see dlmath.

    Raises:
        VerificationError: It fails, or a probability is off by more than `TOLERANCE`.
    """
    with tempfile.TemporaryDirectory() as folder:
        _write_cases(cases, Path(folder))
        _run(program, [str(model), folder], isolated=isolated)
        with np.load(Path(folder) / "outputs.npz") as loaded:
            outputs = dict(loaded)
    classes = outputs.pop("classes", None)
    if classes is not None and not (classes == np.array(cases.classes)).all():
        raise VerificationError(
            f"The export names its classes {classes[0].tolist()}, and the run "
            f"{list(cases.classes)}. It was not kept."
        )
    differences = {name: _largest_difference(cases, output) for name, output in outputs.items()}
    wrong = {name: value for name, value in differences.items() if not value <= TOLERANCE}
    if wrong:
        raise VerificationError(
            f"The export does not do what the run does: probabilities are off by up to "
            f"{max(wrong.values()):.2g} ({', '.join(wrong)}), and {TOLERANCE:g} is allowed. "
            "It was not kept."
        )
    return {
        "images": len(cases.files),
        "tolerance": TOLERANCE,
        "largest_difference": differences,
    }


def _write_cases(cases: Cases, folder: Path) -> None:
    images = folder / "images"
    images.mkdir()
    for number, file in enumerate(cases.files):
        (images / f"{number:04d}").write_bytes(read_checked(file, str(file)))
    np.save(folder / "pixels.npy", cases.pixels)


def _largest_difference(cases: Cases, output: np.ndarray) -> float:
    """Return the largest difference of a probability; infinite for NaN or another shape."""
    if output.shape != cases.probabilities.shape or not np.isfinite(output).all():
        return float("inf")
    return float(np.abs(output - cases.probabilities).max())


def _run(program: str, arguments: Sequence[str], *, isolated: bool) -> None:
    """Run a program of this folder in a fresh Python, on the CPU.

    This process may hold all memory of the GPU, and what is compared are functions, not devices.
    """
    home = Path(__file__).resolve().parent
    # -I: the process sees neither the working folder nor PYTHONPATH. -P: not this folder, whose
    # modules would hide others of their names.
    mode = "-I" if isolated else "-P"
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    if not isolated:
        environment["PYTHONPATH"] = str(home.parents[1])
    result = subprocess.run(
        [sys.executable, mode, str(home / program), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines()
        raise VerificationError(
            f"The export cannot be run in a fresh process: {lines[-1] if lines else 'no reason'} "
            "It was not kept."
        )
