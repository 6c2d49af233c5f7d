"""Sums over the answers of a server, for `dlmath drift`; no image can be recovered from them."""

import threading
import time
from contextlib import suppress

import numpy as np

from dlmath.drift import ServedStatistics
from dlmath.errors import DataError, DlmathError
from dlmath.inference.classifier import Outputs
from dlmath.inference.decision_rule import DecisionRule
from dlmath.runs import Run

SECONDS = 60  # between two times that the sums are written
_TRIES, _PAUSE = 30, 0.1


class Record:
    """Adds up answers, and writes the sums to the run's folder every minute and at the end.

    Args:
        run: The run that is served.
        classifier: Of the run.
    """

    def __init__(self, run: Run, classifier: DecisionRule):
        self.path = run.served_statistics_path
        self._statistics = ServedStatistics.begin(run, classifier)
        self._ended = threading.Event()
        self._writer = threading.Thread(target=self._write, name="dlmath-record", daemon=True)
        self._writer.start()

    def add(self, outputs: Outputs, pixels: np.ndarray) -> None:
        """Add the outputs for N images, (N, size, size, 3) in 0..255."""
        finite = np.isfinite(outputs.probabilities).all(axis=1)
        if finite.all():  # one that has no answer is counted as a fault, and nowhere else
            self._statistics.add(outputs, pixels)

    def close(self) -> None:
        """Write the sums, and end."""
        self._ended.set()
        self._writer.join()

    def _write(self) -> None:
        ended = False
        while not ended:
            ended = self._ended.wait(SECONDS)
            # A folder that cannot be written, such as that of a container, is no reason to stop.
            with suppress(OSError, DlmathError):
                self.path.parent.mkdir(exist_ok=True)
                self._save()

    def _save(self) -> None:
        for _ in range(_TRIES):
            try:
                self._statistics.save(self.path)
                return
            except DataError:  # another server of the run is writing, which takes no second
                time.sleep(_PAUSE)
