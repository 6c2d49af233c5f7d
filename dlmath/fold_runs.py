"""The folder of a cross-validation: a run for each fold, and what all of them give together.

runs/<task>-folds-<time>/  folds.json  report/index.html  fold-1/  fold-2/ ...
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dlmath.errors import RunError
from dlmath.runs import RUNS, Run, folds_in, places_of, read_json
from dlmath.terminal_text import command


@dataclass(frozen=True)
class FoldRuns:
    """The folder of a cross-validation.

    Attributes:
        folder: Where it is.
    """

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def runs(self) -> list[Run]:
        """The runs of the folds that were begun, in the order of the folds."""
        return folds_in(self.folder)

    @property
    def metrics_path(self) -> Path:
        return self.folder / "folds.json"

    @property
    def report_path(self) -> Path:
        return self.folder / "report" / "index.html"

    @property
    def is_finished(self) -> bool:
        """Return whether every fold was trained and tested."""
        return self.metrics_path.is_file()

    def run(self, number: int) -> Run:
        """Return the run of a fold, counted from 1."""
        return Run(self.folder / f"fold-{number}")

    def metrics(self) -> dict[str, Any]:
        """Return what `folds.json` holds: the metrics of each fold, and of all together.

        Raises:
            RunError: The cross-validation is not finished, or the file is damaged.
        """
        if not self.is_finished:
            raise RunError(
                f"The cross-validation in {self.folder} is not finished. Go on by the same "
                f"dlmath train … --folds, with {command('--out', self.folder)}"
            )
        document = read_json(self.metrics_path)
        if not isinstance(document, dict) or not {"folds", "pooled"} <= document.keys():
            raise RunError(
                f"{self.metrics_path} holds no metrics of folds. Remove it, and give the same "
                f"dlmath train … --folds, with {command('--out', self.folder)}"
            )
        return document

    @classmethod
    def find(cls, given: str | Path) -> Self | None:
        """Return the cross-validation at a path or of a name under `runs/`, if it is one."""
        for folder in places_of(given):
            if folds_in(folder):
                return cls(folder)
        return None

    @classmethod
    def all(cls) -> list[Self]:
        """Return those under `runs/`, by name."""
        folders = sorted(RUNS.iterdir()) if RUNS.is_dir() else []
        return [cls(folder) for folder in folders if folds_in(folder)]
