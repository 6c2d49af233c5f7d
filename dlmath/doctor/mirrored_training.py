"""Compare a training mirrored over two devices with one on a single device, in a new process.

TensorFlow can divide the CPU into virtual devices only before it does anything else.
"""

import os
import subprocess
import sys
from pathlib import Path

from dlmath.doctor.verdict import Verdict, fault, ok

TOLERANCE = 1e-5
TIME_LIMIT = 300  # seconds; it takes ten, most of them to load TensorFlow
_PROGRAM = Path(__file__).with_name("mirrored_steps.py")


def two_devices() -> Verdict:
    """Train the same batches on one and on two virtual CPUs, and compare the weights."""
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(_PROGRAM)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return fault(
            f"The training on two virtual devices did not end within {TIME_LIMIT} s.",
            "Train with --strategy one.",
        )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return fault(
            f"Two virtual devices cannot be trained on: {lines[-1] if lines else 'no reason'}",
            "Train with --strategy one.",
        )
    difference = float(done.stdout)
    said = f"weights on two mirrored virtual devices are within {difference:.1e} of those on one"
    if not difference <= TOLERANCE:
        return fault(f"{said}, and {TOLERANCE:g} is allowed.", "Train with --strategy one.")
    return ok(said)
