"""Explain what a run's model says of image files, one answer a file whatever happens to others."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.data import images
from dlmath.data.image_search import find_images
from dlmath.data.lost_data import read_with_doubts
from dlmath.errors import DataError, UserError, did_you_mean
from dlmath.explain.checks import Measure, cheap_metrics, failures, slow_metrics
from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.heat_map import HeatMap
from dlmath.explain.map_metric import MapMetric
from dlmath.explain.methods import find_method
from dlmath.explain.overlay import draw_overlay
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.names import folded, shortened
from dlmath.output_files import write_output
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run


@dataclass(frozen=True, eq=False)
class Explanation:
    """The heat map of one image for a class, with the checks that say how far it can be believed.

    Attributes:
        file: The image.
        class_name: What is explained.
        probability: Of that class.
        method: By name.
        heat_map: The map.
        metrics: What was measured about it.
        warnings: Why it should not be believed, a sentence each; empty if it failed nothing.
    """

    file: Path
    class_name: str
    probability: float
    method: str
    heat_map: HeatMap
    metrics: tuple[MapMetric, ...]
    warnings: tuple[str, ...]

    def overlay(self) -> bytes:
        """Draw the map over its image, next to the image, as a PNG file."""
        method = self.method.replace("_", " ")
        title = (
            f"{self.file.name}: what speaks for {self.class_name} "
            f"(probability {self.probability:.3f}), by {method}"
        )
        upright = images.read_upright(self.file, str(self.file))
        lines = [f"Warning: {warning}" for warning in self.warnings]
        lines += [f"{one.name}: {one.said}" for one in self.metrics if one.passed]
        return draw_overlay(upright, self.heat_map.heat, title, lines)

    def as_json(self) -> dict[str, Any]:
        """Return all but the map, for `--json`."""
        return {
            "file": str(self.file),
            "class": self.class_name,
            "probability": self.probability,
            "method": self.method,
            "figures": {metric.name: metric.as_json() for metric in self.metrics},
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class NotExplained:
    """A file without an explanation, and why."""

    file: Path
    error: str

    def as_json(self) -> dict[str, Any]:
        """Return an entry of the list that `explain --json` prints."""
        return {"file": str(self.file), "error": self.error}


def explain_files(
    run: Run | str | Path | None,
    files: str | Path | Sequence[str | Path],
    method: str = "grad_cam",
    *,
    class_name: str | None = None,
    check: bool = False,
    reporter: Reporter = SILENT,
) -> Iterator[Explanation | NotExplained]:
    """Explain files one by one, in the order given; a folder of any size fits in memory.

    Args:
        run: A run, its folder, or its name under `runs/`; None for the newest finished one.
        files: Image files, folders of them, and patterns.
        method: One of `dlmath.explain.METHODS`.
        class_name: The class to explain, in any case; by default the one that is decided.
        check: Whether to measure the slow metrics too: deletion, insertion, sanity.
        reporter: Receives the progress.

    Raises:
        UserError: There is no such method or class.
        RunError: There is no such run.
        DataError: There is no file, or the model has no feature map.

    Example:
        >>> from pathlib import Path
        >>> from dlmath.explain import explain_files
        >>> cell = sorted(Path("cells/Parasitized").iterdir())[0]
        >>> [found] = explain_files("runs/example", cell, "grad_cam")
        >>> found.heat_map.heat.shape
        (32, 32)
    """
    find_method(method)
    paths = find_images(files)
    found = run if isinstance(run, Run) else Run.find(run)
    index = None if class_name is None else _class_index(found.recipe.classes, class_name)
    measure = slow_metrics if check else None
    explainer = Explainer(KerasClassifier.load(found), method, index, measure)
    return _explain_each(explainer, paths, reporter)


class Explainer:
    """A loaded classifier and a method; explains images one by one.

    Args:
        classifier: Of a run.
        method: One of `dlmath.explain.METHODS`.
        index: Of the class to explain; None for the one that is decided of each image.
        measure: What to measure of each map beyond the cheap metrics.
    """

    def __init__(
        self,
        classifier: KerasClassifier,
        method: str,
        index: int | None = None,
        measure: Measure | None = None,
    ):
        self.classifier = classifier
        self.method = method
        self.index = index
        self.measure = measure
        self.parts = ClassifierParts(classifier.model)

    def check_feature_map(self) -> None:
        """Find out before the first file what is wrong with the model for every file.

        Raises:
            DataError: The method needs a feature map, and the model has none.
        """
        if self.method.startswith("grad_cam"):
            _ = self.parts.feature_map

    def explain(self, file: Path) -> Explanation:
        """Explain one file.

        Raises:
            DataError: It cannot be read.
            RunError: The model gives NaN.
        """
        image, doubts = read_with_doubts(file, str(file), self.classifier.image_size)
        outputs = self.classifier.predict(image[None])  # by the graph that is traced
        outputs.check_finite(lambda _: f"The model gives NaN for {file}")
        row = outputs.probabilities
        index = int(self.classifier.decide(row)[0]) if self.index is None else self.index
        name = self.classifier.classes[index]
        heat_map = find_method(self.method)(self.parts, image, index)
        metrics = cheap_metrics(heat_map, file, name)
        if self.measure is not None:
            metrics += self.measure(self.parts, self.method, image, index, heat_map)
        warnings = (*_said_of(doubts), *failures(heat_map, metrics, name))
        probability = float(row[0, index])
        return Explanation(file, name, probability, self.method, heat_map, metrics, warnings)


def _explain_each(
    explainer: Explainer, paths: Sequence[Path], reporter: Reporter
) -> Iterator[Explanation | NotExplained]:
    explainer.check_feature_map()
    for done, path in enumerate(paths, start=1):
        try:
            yield explainer.explain(path)
        except DataError as error:
            yield NotExplained(path, str(error))
        reporter.progress("explaining", done, len(paths))


def _said_of(doubts: Sequence[str]) -> Iterator[str]:
    return (f"{doubt[0].upper()}{doubt[1:]}." for doubt in doubts)


def _class_index(classes: Sequence[str], name: str) -> int:
    known = [folded(one) for one in classes]
    if folded(name) not in known:
        raise UserError(
            f"The run knows no class {name!r}.{did_you_mean(name, classes)} "
            f"Pass one of these with --class: {', '.join(classes)}."
        )
    return known.index(folded(name))


class MapFiles:
    """A folder of maps. Images of one name in several folders get numbers: `x`, `x-2`, ...

    Args:
        folder: Made where it is absent. Files of an earlier call with the same names are replaced.

    Raises:
        UserError: The folder cannot be made.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._names: set[str] = set()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._not_writable(error) from error

    def write(self, found: Explanation | NotExplained) -> dict[str, Any]:
        """Write `<image>-<method>.png` and `.npy`, and return what `--json` prints of the image.

        The array is float32 (S, S), S being the side of the images that the model sees.

        Raises:
            UserError: The folder cannot be written to.
        """
        if isinstance(found, NotExplained):
            return found.as_json()
        name = self._unused(f"{shortened(found.file.stem)}-{found.method}")
        overlay, array = self.folder / f"{name}.png", self.folder / f"{name}.npy"
        numbers = io.BytesIO()
        np.save(numbers, found.heat_map.values)
        write_output(overlay, found.overlay(), "--out")
        write_output(array, numbers.getvalue(), "--out")
        return {**found.as_json(), "overlay": str(overlay), "array": str(array)}

    def _unused(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self._names:
            name, number = f"{wanted}-{number}", number + 1
        self._names.add(name)
        return name

    def _not_writable(self, error: OSError) -> UserError:
        return UserError(f"Cannot write to {self.folder}: {error.strerror}. Pass another --out.")
