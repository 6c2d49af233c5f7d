"""TensorFlow without the log of its start, for programs and notebooks."""

import logging
import os

from dlmath.chatter import without_chatter


def load_tensorflow_quietly() -> None:
    """Import TensorFlow without its log; for a program or a notebook, not within a library.

    It logs a missing GPU and its build flags as errors; real ones come as exceptions too.
    """
    # Keras imports Matplotlib where it is there, which warns of a home folder that is only read.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with without_chatter():
        import tensorflow  # noqa: F401  what is wanted is that it is loaded
