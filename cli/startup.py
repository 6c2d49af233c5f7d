"""Load what computes: say so where that takes seconds, and keep its chatter away."""

import sys

from dlmath.cli.output import ERR
from dlmath.tensorflow_start import load_tensorflow_quietly


def load_tensorflow() -> None:
    """Import TensorFlow, naming it on stderr first; a second call costs nothing."""
    if "tensorflow" in sys.modules:
        return
    ERR.line("Loading TensorFlow …")
    load_tensorflow_quietly()
