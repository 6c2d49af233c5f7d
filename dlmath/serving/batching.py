"""Dynamic batching: images of many clients share the calls to the one model.

A network answers eight images in less than eight times the time of one, and the classifier takes
one call at a time. So one thread computes; what arrives while it does makes up its next batch.

Source: Crankshaw et al., "Clipper: A Low-Latency Online Prediction Serving System", NSDI 2017,
section 4.3.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np

from dlmath.inference.classifier import Outputs

Compute = Callable[[np.ndarray], Outputs]


class _Waiting(NamedTuple):
    pixels: np.ndarray  # uint8 (S, S, 3)
    answer: "Future[Outputs]"


class Batcher:
    """Computes images one batch after another, in the order in which they came.

    Args:
        compute: uint8 (N, S, S, 3) to the outputs for N images; called from one thread only. It may
            not depend on what else is in a batch.
        batch: Images in a batch at most.
        wait: Seconds that the first of a batch waits for others. While a batch is computed the
            next one gathers anyway, so that a short wait matters only for the first requests.
    """

    def __init__(self, compute: Compute, batch: int, wait: float):
        self._compute = compute
        self._batch = batch
        self._wait = wait
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._worker = threading.Thread(target=self._work, name="dlmath-batches", daemon=True)
        self._worker.start()

    def submit(self, pixels: np.ndarray) -> "Future[Outputs]":
        """Ask for one image, uint8 (S, S, 3). A future that is cancelled in time costs nothing.

        Raises:
            RuntimeError: The batcher is closed.
        """
        waiting = _Waiting(pixels, Future())
        with self._lock:  # nothing may stand behind the mark that ends the queue
            if self._closed:
                raise RuntimeError("The batcher is closed.")
            self._queue.put(waiting)
        return waiting.answer

    def close(self) -> None:
        """Compute what was asked for, and end. A second call does nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._worker.join()

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            gathered, ends = self._gather(first)
            # One whose client has gone away meanwhile takes no place in the batch.
            wanted = [one for one in gathered if one.answer.set_running_or_notify_cancel()]
            if wanted:
                self._answer(wanted)
            if ends:
                return

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """Return a batch, and whether the queue ended behind it."""
        gathered, until = [first], time.monotonic() + self._wait
        while len(gathered) < self._batch:
            try:
                another = self._queue.get(timeout=max(0, until - time.monotonic()))
            except queue.Empty:
                break
            if another is None:
                return gathered, True
            gathered.append(another)
        return gathered, False

    def _answer(self, wanted: list[_Waiting]) -> None:
        try:
            outputs = self._compute(np.stack([one.pixels for one in wanted]))
        # Whatever went wrong is the news of each of them; the thread goes on.
        except Exception as error:
            for one in wanted:
                one.answer.set_exception(error)
            return
        for row, one in enumerate(wanted):
            one.answer.set_result(outputs.row(row))
