"""The prediction service: one classifier for the clients of the page and of the HTTP API."""

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from dlmath.errors import RunError
from dlmath.inference.classifier import Classifier, Outputs
from dlmath.inference.outcome import Prediction, predict_one
from dlmath.inference.predict_files import find_model
from dlmath.inference.runtimes import export_metadata, load_classifier
from dlmath.runs import Run
from dlmath.serving.batching import Batcher
from dlmath.serving.limits import Limits
from dlmath.serving.maps import MapMaker, Quietly, draw_sheet
from dlmath.serving.reading import read_picture
from dlmath.serving.record import Record
from dlmath.serving.refusal import Refusal
from dlmath.serving.telemetry import Telemetry

if TYPE_CHECKING:
    from dlmath.explain.heat_map import HeatMap

_RETRY_AFTER = 1  # seconds; a full queue is computed within a few


class Service:
    """Answers images, from any number of tasks of one event loop.

    Args:
        name: In the addresses of the API; see `name_of`.
        classifier: Called from one thread only.
        model: What it was opened from.
        limits: See there.
        quietly: Entered while libraries are loaded that write to stderr.
    """

    def __init__(
        self,
        name: str,
        classifier: Classifier,
        model: Run | Path,
        limits: Limits,
        quietly: Quietly = nullcontext,
    ):
        self.name = name
        self.classifier = classifier
        self.model = model
        self.limits = limits
        self.telemetry = Telemetry(name, classifier.classes)
        self._closing = False
        self._images, self._maps = _Places(limits.queue), _Places(limits.maps)
        # Pillow decodes outside of Python's lock. More threads would only take more memory.
        self._readers = ThreadPoolExecutor(os.cpu_count() or 1, "dlmath-reads")
        self._map_maker = MapMaker(model, classifier, quietly)
        # An export may lie where there is no run to compare with.
        self._record = Record(model, classifier) if isinstance(model, Run) else None
        self._batcher = Batcher(self._compute, limits.batch, limits.batch_wait)
        self.telemetry.watch_waiting(lambda: self.waiting)

    @classmethod
    def open(
        cls,
        model: Run | str | Path | None,
        *,
        limits: Limits = Limits(),  # noqa: B008  frozen
        trust: bool = False,
        quietly: Quietly = nullcontext,
    ) -> Self:
        """Load the model of a run or an export and compute one blank image, so that it is warm.

        Args:
            model: As for `dlmath.predict`: None is the newest finished run.
            limits: See there.
            trust: Whether a SavedModel, which is a program, may be run.
            quietly: Entered while libraries are loaded that write to stderr: here, and for the
                first heat map.

        Raises:
            RunError: There is no such run, or its files are damaged.
        """
        found = find_model(model)
        with quietly():
            classifier = load_classifier(found, trust=trust)
            size = classifier.image_size
            classifier.predict(np.zeros((1, size, size, 3), np.uint8))
        return cls(name_of(found), classifier, found, limits, quietly)

    @property
    def is_closing(self) -> bool:
        """Return whether new requests are refused, since the server stops."""
        return self._closing

    @property
    def why_no_maps(self) -> str | None:
        """The reason why there are no heat maps, where it is known before one is asked for."""
        return self._map_maker.why_none

    @property
    def first_map_waits(self) -> bool:
        """Return whether the next heat map is the first, for which Keras is loaded."""
        return not self._map_maker.is_loaded

    @property
    def waiting(self) -> int:
        """The images that wait or are computed now."""
        return self._images.taken

    async def predict(self, content: bytes, file: str) -> Prediction:
        """Return what `dlmath predict` says of an image.

        Args:
            content: The whole file, in one of the formats of `dlmath.data.image_formats`.
            file: What to call it in the answer.

        Raises:
            Refusal: It cannot be read, the server is full or closing, or it took too long.
        """
        self._check_open()
        with self._images.one():
            try:
                async with asyncio.timeout(self.limits.request_seconds):
                    return await self._predict(content, file)
            except TimeoutError as error:
                raise _too_slow(self.limits.request_seconds) from error

    async def explain(self, content: bytes, file: str) -> bytes:
        """Return a picture, PNG, of where the image holds what speaks for its class: Grad-CAM.

        The first call loads Keras, which takes seconds.

        Raises:
            Refusal: As for `predict`; or the model gives no maps (404).
        """
        prediction = await self.predict(content, file)
        heat_map = await self.heat_map(content, prediction)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._readers, draw_sheet, content, prediction, heat_map, self.limits
        )

    async def heat_map(self, content: bytes, prediction: Prediction) -> "HeatMap":
        """Return where an image that was answered holds what speaks for its class: Grad-CAM.

        Raises:
            Refusal: As for `explain`.
        """
        loading = 0 if self._map_maker.is_loaded else self.limits.load_seconds
        seconds = self.limits.request_seconds + loading
        with self._maps.one():
            try:
                async with asyncio.timeout(seconds):
                    explained = self._map_maker.submit(content, prediction, self.limits)
                    return await asyncio.wrap_future(explained)
            except TimeoutError as error:
                raise _too_slow(seconds) from error

    def stop_accepting(self) -> None:
        """Refuse further requests; those that wait are still answered."""
        self._closing = True

    def close(self) -> None:
        """Answer what waits, refuse what comes later, and end all threads."""
        self.stop_accepting()
        self._batcher.close()
        self._readers.shutdown(cancel_futures=True)
        self._map_maker.close()
        if self._record is not None:
            self._record.close()

    async def _predict(self, content: bytes, file: str) -> Prediction:
        loop = asyncio.get_running_loop()
        size = self.classifier.image_size
        picture = await loop.run_in_executor(
            self._readers, read_picture, content, file, size, self.limits
        )
        answer = await asyncio.wrap_future(self._submitted(picture.pixels))
        # A name is what the client calls the file; as a path it could read otherwise.
        found = predict_one(self.classifier, Path("image"), answer, picture.doubts)
        prediction = replace(found, file=file)
        self.telemetry.decided(prediction)
        return prediction

    def _submitted(self, pixels: np.ndarray) -> "Future[Outputs]":
        try:
            return self._batcher.submit(pixels)
        except RuntimeError as error:  # closed since the request came in
            raise _closing() from error

    def _compute(self, pixels: np.ndarray) -> Outputs:
        """Answer a batch, and count it."""
        outputs = self.classifier.predict(pixels)
        self.telemetry.batch(len(pixels))
        if self._record is not None:
            self._record.add(outputs, pixels)
        return outputs

    def _check_open(self) -> None:
        if self._closing:
            raise _closing()


class _Places:
    """A bounded number of places, taken and left from any thread; no one waits for one."""

    def __init__(self, total: int):
        self.total = total
        self.taken = 0
        self._lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Take a place for the block.

        Raises:
            Refusal: All are taken.
        """
        with self._lock:
            if self.taken >= self.total:
                raise Refusal(503, "The server is busy. Try again.", _RETRY_AFTER, code="full")
            self.taken += 1
        try:
            yield
        finally:
            with self._lock:
                self.taken -= 1


def name_of(model: Run | Path) -> str:
    """Return the name of a model in addresses: its task; an older export's run.

    Raises:
        RunError: It does not say.
    """
    if isinstance(model, Run):
        return model.recipe.name
    metadata = export_metadata(model)
    name = metadata.get("task") or metadata.get("run")
    if not name:
        raise RunError(f"{model} does not name its task. Write it again with: dlmath export RUN")
    return str(name)


def _closing() -> Refusal:
    return Refusal(503, "The server is stopping.", _RETRY_AFTER, code="stopping")


def _too_slow(seconds: float) -> Refusal:
    return Refusal(
        503, f"There was no answer within {seconds:g} seconds.", _RETRY_AFTER, code="timeout"
    )
