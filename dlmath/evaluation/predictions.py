"""Predictions of a run on its test part, image by image, as `predictions.csv` keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dlmath.data.listing import counted, listed
from dlmath.data.run_data import RunData
from dlmath.data.strict_csv import read_own_csv
from dlmath.errors import RunError
from dlmath.evaluation.intervals import Sample
from dlmath.inference.columns import number_or_none, probability_columns
from dlmath.inference.decision_rule import DecisionRule
from dlmath.names import composed_names
from dlmath.recipe import Recipe
from dlmath.runs import Run, write_csv
from dlmath.stats.bootstrap import cluster_indices
from dlmath.terminal_text import quoted

_KNOWN = ("file", "patient", "class")  # the columns before those of the probabilities


@dataclass(frozen=True, eq=False)
class Predictions:
    """A run's answers on N test images.

    Attributes:
        classes: K names, in the order of the probabilities.
        files: N different names, as in the run's `split.csv`.
        patients: N, None where it is not known.
        truth: (N,) class indices.
        probabilities: float64 (N, K).
        ood_scores: float64 (N,) out-of-distribution scores, NaN where there is none.
        positive_class: The class that a binary task is about; None for more than two classes.
    """

    classes: tuple[str, ...]
    files: tuple[str, ...]
    patients: tuple[str | None, ...]
    truth: np.ndarray
    probabilities: np.ndarray
    ood_scores: np.ndarray
    positive_class: str | None

    @classmethod
    def read(cls, run: Run) -> "Predictions":
        """Read the `predictions.csv` of a run.

        Raises:
            RunError: The file is missing or damaged.
        """
        path, recipe = run.predictions_path, run.recipe
        if not path.is_file():
            raise RunError(
                f"{run.folder} has not been evaluated on its test part: {path.name} is missing. "
                f"Run: dlmath evaluate {quoted(run.folder)}"
            )
        try:
            return cls._of_rows(read_own_csv(path), recipe)
        except (OSError, ValueError) as error:
            raise RunError(
                f"{path} is damaged: {error}. Evaluate again: dlmath evaluate {quoted(run.folder)}"
            ) from error

    @classmethod
    def _of_rows(cls, rows: Sequence[Mapping[str, str]], recipe: Recipe) -> "Predictions":
        classes, columns = recipe.classes, probability_columns(recipe.classes)
        wanted = [*_KNOWN, *columns]
        if not rows or any(row.get(column) is None for row in rows for column in wanted):
            raise ValueError(f"it must have the columns {', '.join(wanted)} and a row an image")
        files = tuple(composed_names([row["file"] for row in rows]))
        if len(set(files)) < len(files):
            raise ValueError("it names an image twice")
        if unknown := sorted({row["class"] for row in rows} - set(classes)):
            raise ValueError(f"the run has no class {unknown[0]!r}")
        probabilities = np.array([[float(row[column]) for column in columns] for row in rows])
        if not np.isfinite(probabilities).all():
            raise ValueError("a probability is not finite")
        return cls(
            classes=classes,
            files=files,
            patients=tuple(row["patient"] or None for row in rows),
            truth=np.array([classes.index(row["class"]) for row in rows]),
            probabilities=probabilities,
            # An older file names the column `distance`, or has none.
            ood_scores=np.array(
                [float(row.get("ood_score") or row.get("distance") or "nan") for row in rows]
            ),
            positive_class=recipe.positive_class if recipe.is_binary else None,
        )

    def write(self, run: Run) -> None:
        """Write the `predictions.csv` of a run, whole or not at all."""
        columns = probability_columns(self.classes)
        rows = (
            {
                "file": file,
                "patient": patient or "",
                "class": self.classes[truth],
                **dict(zip(columns, map(float, probabilities), strict=True)),
                "ood_score": number_or_none(ood_score),
            }
            for file, patient, truth, probabilities, ood_score in zip(
                self.files,
                self.patients,
                self.truth,
                self.probabilities,
                self.ood_scores,
                strict=True,
            )
        )
        write_csv(run.predictions_path, [*_KNOWN, *columns, "ood_score"], rows)

    @property
    def labels(self) -> tuple[str, ...]:
        """The N names of the true classes."""
        return tuple(self.classes[index] for index in self.truth)

    @property
    def clusters(self) -> np.ndarray:
        """(N,) indices of the patients; where any is not known, each image has its own."""
        return cluster_indices(self.patients)

    @property
    def positive(self) -> np.ndarray:
        """(N,) bool: whether the image is of the positive class, of two classes."""
        return self.truth == self._positive_index

    @property
    def score(self) -> np.ndarray:
        """(N,), the probability of the positive class, of two classes."""
        return self.probabilities[:, self._positive_index]

    @property
    def _positive_index(self) -> int:
        assert self.positive_class is not None
        return self.classes.index(self.positive_class)

    def by_file(self) -> "Predictions":
        """Return the same, sorted by file."""
        rows = sorted(range(len(self.files)), key=self.files.__getitem__)
        return replace(
            self,
            files=tuple(self.files[row] for row in rows),
            patients=tuple(self.patients[row] for row in rows),
            truth=self.truth[rows],
            probabilities=self.probabilities[rows],
            ood_scores=self.ood_scores[rows],
        )

    def sample(self, rule: DecisionRule) -> Sample:
        """Return the answers with what decides by them.

        Args:
            rule: Of the run that answered.
        """
        return Sample(rule, self.truth, self.probabilities, self.clusters)


def check_same_images(runs: Sequence[Run], found: Sequence[Predictions]) -> None:
    """Refuse unless both runs answered for the same files with the same class and bytes.

    Raises:
        RunError: They did not; names the images.
    """
    (one, other), (first, second) = runs, (set(each.files) for each in found)
    for here, mine, theirs in ((one, first, second), (other, second, first)):
        if extra := sorted(mine - theirs):
            raise RunError(
                "Only runs evaluated on the same test images can be compared. "
                f"{counted(len(extra), 'image')} only of {here.name}: {listed(extra)}. "
                "Give both the same data, seed and test part, and evaluate both again."
            )
    checks: dict[str, Sequence[Mapping[str, str | None]]] = {
        "class": [dict(zip(each.files, each.labels, strict=True)) for each in found],
        "patient": [dict(zip(each.files, each.patients, strict=True)) for each in found],
        "content": [_hashes(run) for run in runs],
    }
    for what, (of_one, of_other) in checks.items():
        if unlike := sorted(file for file in first if of_one.get(file) != of_other.get(file)):
            raise RunError(
                f"Only runs evaluated on the same test images can be compared. In {one.name} and "
                f"{other.name} the {what} differs of {counted(len(unlike), 'image')}: "
                f"{listed(unlike)}. Give both the same data, and evaluate both again."
            )


def _hashes(run: Run) -> dict[str, str]:
    """Return the SHA-256 of the images of a run's test part, by file."""
    return {row["file"]: row["sha256"] for row in RunData(run).rows if row["split"] == "test"}
