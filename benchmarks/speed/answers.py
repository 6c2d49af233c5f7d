"""Ways to ask a model about image files, all with one form of answer; see `parity.py`."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from api_forms import entries_in, in_json, with_files  # next to this file
from server_process import Server

from dlmath.inference.classifier import Classifier
from dlmath.inference.predict_files import predict_by


class Said(NamedTuple):
    """What was said of N images.

    Attributes:
        classes: K names.
        probabilities: float64 (N, K).
        decisions: Names of classes, (N,).
        abstains: bool (N,).
    """

    classes: tuple[str, ...]
    probabilities: np.ndarray
    decisions: np.ndarray
    abstains: np.ndarray

    @classmethod
    def of(cls, entries: Iterable[Mapping[str, Any]]) -> Self:
        """Collect what `dlmath predict --json` prints, which the server answers too."""
        entries = list(entries)
        classes = tuple(entries[0]["probabilities"])
        return cls(
            classes,
            np.array([[one["probabilities"][name] for name in classes] for one in entries]),
            np.array([one["class"] for one in entries]),
            np.array([one["abstains"] for one in entries]),
        )

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_json` wrote."""
        classes = tuple(document["classes"])
        return cls(classes, *(np.array(document[name]) for name in cls._fields[1:]))

    def as_json(self) -> dict[str, Any]:
        arrays = {name: getattr(self, name).tolist() for name in self._fields[1:]}
        return {"classes": list(self.classes), **arrays}

    def compared_with(self, wanted: "Said") -> dict[str, Any]:
        """Return what differs from what another way says of the same images."""
        assert self.classes == wanted.classes
        return {
            "largest_difference": float(np.abs(self.probabilities - wanted.probabilities).max()),
            "changed_decisions": int((self.decisions != wanted.decisions).sum()),
            "changed_abstentions": int((self.abstains != wanted.abstains).sum()),
        }


Way = Callable[[Sequence[Path]], Said]


def by_classifier(classifier: Classifier) -> Way:
    """Ask in this process."""
    return lambda files: Said.of(one.as_json() for one in predict_by(classifier, files))


def by_graph(saved_model: Path) -> Way:
    """Ask a SavedModel, which reads the files by itself."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(saved_model))

    def ask(files: Sequence[Path]) -> Said:
        contents = tf.constant([file.read_bytes() for file in files])
        outputs = loaded.signatures["serving_default"](images=contents)
        return Said(
            tuple(outputs["classes"].numpy()[0].astype(str)),
            outputs["probabilities"].numpy().astype(np.float64),
            outputs["decision"].numpy().astype(str),
            outputs["abstains"].numpy(),
        )

    return ask


def by_command(run: Path, runtime: str) -> Way:
    """Ask `dlmath predict` in a process of its own."""

    def ask(files: Sequence[Path]) -> Said:
        command = [sys.executable, "-m", "dlmath", "predict", str(run), *map(str, files)]
        done = subprocess.run(
            [*command, "--json", "--runtime", runtime], capture_output=True, text=True, check=True
        )
        return Said.of(json.loads(done.stdout))

    return ask


def by_server(server: Server, name: str | None = None) -> Way:
    """Ask over HTTP: in the form of TensorFlow Serving by the model's name, or with files."""

    def ask(files: Sequence[Path]) -> Said:
        contents = {file.name: file.read_bytes() for file in files}
        request = in_json(name, contents) if name else with_files(contents)
        sent = urllib.request.Request(
            server.url + request.path, request.body, {"Content-Type": request.content_type}
        )
        with urllib.request.urlopen(sent) as answer:
            return Said.of(entries_in(json.load(answer)))

    return ask
