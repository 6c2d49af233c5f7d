"""Statistics that a server keeps of its images: sums, from which no image can be restored."""

import hashlib
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from dlmath.data.locks import held
from dlmath.drift.pictures import describe
from dlmath.drift.sketch import CELLS, Layout, Sketch
from dlmath.errors import RunError
from dlmath.inference.classifier import Outputs
from dlmath.inference.decision_rule import DecisionRule
from dlmath.runs import Run, read_json, write_json

LEAST = 20  # images whose sums are written: those of fewer would say something of each
STATISTICS_VERSION = 1

# What a file may hold: more images are not counted exactly, and no number of one is greater.
_MOST, _GREATEST = 2**53, 100


@dataclass(frozen=True, eq=False)
class Totals:
    """Sums over images of the numbers in a sketch. `+` merges those of two sets of images.

    Attributes:
        model: SHA-256 of the model that answered.
        layout: Of the numbers.
        images: How many were summed.
        left_out: How many were not, since the model gave no number for them.
        sums: (F,).
        first: When the first image came, in UTC; None before one came.
        last: When the last one did.
    """

    model: str
    layout: Layout
    images: int
    left_out: int
    sums: np.ndarray
    first: datetime | None = None
    last: datetime | None = None

    @classmethod
    def none(cls, model: str, layout: Layout) -> Self:
        """Return the sums over no image."""
        return cls(model, layout, 0, 0, np.zeros(layout.size))

    def __add__(self, other: "Totals") -> "Totals":
        """Return the sums over the images of both, without pictures where one of them has none.

        Raises:
            ValueError: They are of two models.
        """
        one, two = self, other
        if one.layout != two.layout:
            one, two = one.without_pictures, two.without_pictures
        if (one.model, one.layout) != (two.model, two.layout):
            raise ValueError(
                "Statistics of two models cannot be merged. Received: "
                f"model={one.model[:12]} and model={two.model[:12]}"
            )
        times = [time for each in (one, two) for time in (each.first, each.last) if time]
        return Totals(
            one.model,
            one.layout,
            one.images + two.images,
            one.left_out + two.left_out,
            one.sums + two.sums,
            min(times, default=None),
            max(times, default=None),
        )

    @property
    def without_pictures(self) -> "Totals":
        """The sums that older versions kept too."""
        layout = self.layout.without_pictures
        return replace(self, layout=layout, sums=self.sums[: layout.size])

    def part(self, name: str) -> np.ndarray:
        """Return the sums of one kind; see `Layout.sizes`."""
        return self.layout.part(self.sums, name)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is written."""
        return {
            "statistics_version": STATISTICS_VERSION,
            "model": self.model,
            "directions": self.layout.directions,
            "scores_of": self.layout.scores,
            "pictures": self.layout.pictures,
            "images": self.images,
            "left_out": self.left_out,
            "first": self.first and self.first.isoformat(timespec="seconds"),
            "last": self.last and self.last.isoformat(timespec="seconds"),
            "sums": {name: self.part(name).tolist() for name in self.layout.sizes},
        }

    @classmethod
    def from_json(cls, record: Any, where: Path) -> Self:
        """Return what `as_json` gave.

        Raises:
            RunError: It is something else, or of another version.
        """
        try:
            if record["statistics_version"] != STATISTICS_VERSION:
                raise ValueError(f"statistics_version={record['statistics_version']!r}")
            kept = int(record.get("pictures", 0))  # older versions kept none
            layout = Layout(int(record["directions"]), int(record["scores_of"]), kept)
            parts = [np.array(record["sums"].get(name, []), np.float64) for name in layout.sizes]
            if [part.shape for part in parts] != [(size,) for size in layout.sizes.values()]:
                raise ValueError("sums of other lengths")
            first, last = (
                datetime.fromisoformat(record[name]).astimezone(UTC) if record[name] else None
                for name in ("first", "last")
            )
            counts = int(record["images"]), int(record["left_out"])
            found = cls(str(record["model"]), layout, *counts, np.concatenate(parts), first, last)
            found._check()
            return found
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise RunError(
                f"{where} does not hold the statistics of a server ({error}). Remove it; a server "
                "begins again."
            ) from error

    def _check(self) -> None:
        """Raise ValueError where no images could have these sums."""
        counts = np.concatenate([self.part(name) for name in ("scores", "unusual", "abstained")])
        scores = self.part("scores").reshape(self.layout.scores, CELLS).sum(axis=1)
        if not (0 <= self.images <= _MOST and 0 <= self.left_out <= _MOST):
            raise ValueError(f"images={self.images}, left_out={self.left_out}")
        if not ((counts >= 0) & (counts <= self.images)).all():
            raise ValueError("counts below 0 or above that of the images")
        if not (np.abs(self.sums) <= _GREATEST * self.images).all():
            raise ValueError("sums that so many images cannot have")
        if (scores != self.images).any():
            raise ValueError("scores of another number of images")


class ServedStatistics:
    """Sums of what a server answered, brought up to date as it answers. Threads may share it.

    Args:
        sketch: Of the classifier that answers.
        totals: Of what is not yet in a file.
    """

    def __init__(self, sketch: Sketch, totals: Totals):
        self.sketch = sketch
        self.totals = totals
        self._lock = threading.Lock()

    @classmethod
    def begin(cls, run: Run, classifier: DecisionRule) -> Self:
        """Return statistics of no image yet.

        Args:
            run: What the server answers with.
            classifier: Of the run, light or not.
        """
        sketch = Sketch.of(classifier)
        return cls(sketch, Totals.none(model_of(run), sketch.layout))

    def add(self, outputs: Outputs, pixels: np.ndarray) -> None:
        """Count what the classifier said of N images.

        Args:
            outputs: With features, unless the run has no out-of-distribution score.
            pixels: What it was asked about, (N, size, size, 3) in 0..255.
        """
        rows = self.sketch.rows_of(outputs, describe(pixels))
        is_number = np.isfinite(rows).all(axis=1)
        images, now = int(is_number.sum()), datetime.now(UTC)
        with self._lock:
            new = rows[is_number].sum(axis=0)
            counts = images, len(rows) - images
            self.totals += Totals(self.totals.model, self.sketch.layout, *counts, new, now, now)

    def save(self, path: Path) -> bool:
        """Add the sums to those in the file, whole or not at all, and return whether that was done.

        The file may be there of a server before or next to this one. It is begun again where it is
        damaged or of another model: a server must go on whatever has become of it.

        Nothing is written while fewer than 20 images came since the last time: two files of one
        server, one less the other, must not come down to a single image.

        Raises:
            DataError: Another server is writing.
        """
        with self._lock:
            new = self.totals
            if new.images < LEAST:
                return False
            with held(path.with_suffix(".lock"), f"writing {path.name}"):
                write_json(path, (self._written(path) + new).as_json())
            self.totals = Totals.none(new.model, new.layout)
        return True

    def _written(self, path: Path) -> Totals:
        nothing = Totals.none(self.totals.model, self.totals.layout)
        try:
            return nothing + self.load(path)
        except (RunError, ValueError):
            return nothing

    @staticmethod
    def load(path: Path) -> Totals:
        """Read what `save` wrote.

        Raises:
            RunError: It is missing, damaged, or of another version.
        """
        return Totals.from_json(read_json(path), path)


def model_of(run: Run) -> str:
    """Return the SHA-256 of a run's model, by which its statistics are known to be its own."""
    try:
        return hashlib.sha256(run.model_path.read_bytes()).hexdigest()
    except OSError as error:
        raise RunError(f"Cannot read {run.model_path}: {error.strerror}. Train again.") from error
