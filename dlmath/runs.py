"""A run: the folder in which one training leaves everything that it knows.

    recipe.toml  manifest.json  split.csv  audit.json  history.csv  checkpoints/  model.keras
    light/  metrics.json  report/  MODEL_CARD.md  exports/

Every file is written whole or not at all: to a temporary file next to it, flushed to the
disk, then renamed over the old one, which a crash leaves as it was.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dlmath.atomic_files import atomic_path
from dlmath.errors import RunError, did_you_mean
from dlmath.given_paths import given_path
from dlmath.home import home_folder
from dlmath.names import readable, readable_document, shortened
from dlmath.terminal_text import quoted, visible

if TYPE_CHECKING:
    from dlmath.recipe import Recipe

RUN_VERSION = 1
RUNS = Path("runs")
_PUT_BACK = "Put a copy of the file back, or train again."

# What a run has before its manifest: all that a training leaves that was killed that early.
_BEGINNING = {"recipe.toml", "split.csv", "audit.json", "report", "checkpoints", "log.txt"}
_LEFTOVER = re.compile(r"\..*-[a-z0-9_]{8}\.tmp(\..+)?")  # as `atomic_path` names them


@dataclass(frozen=True)
class Run:
    """One run's folder and the names of what lies in it."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def recipe_path(self) -> Path:
        return self.folder / "recipe.toml"

    @property
    def manifest_path(self) -> Path:
        return self.folder / "manifest.json"

    @property
    def split_path(self) -> Path:
        return self.folder / "split.csv"

    @property
    def history_path(self) -> Path:
        return self.folder / "history.csv"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def lock_path(self) -> Path:
        """The lock file of the process that trains here; the file itself locks nothing."""
        return self.folder / ".lock"

    @property
    def model_path(self) -> Path:
        return self.folder / "model.keras"

    @property
    def light_network_path(self) -> Path:
        return self.folder / "light" / "features.tflite"

    @property
    def light_head_path(self) -> Path:
        return self.folder / "light" / "head.npz"

    @property
    def light_ood_path(self) -> Path:
        """The fitted out-of-distribution score, a distance in feature space."""
        return self.folder / "light" / "distance.npz"

    @property
    def drift_reference_path(self) -> Path:
        """The reference that later images are compared with; see `dlmath.drift`."""
        return self.folder / "light" / "drift.npz"

    @property
    def served_statistics_path(self) -> Path:
        """The statistics that a server keeps of the images it answered, without the images."""
        return self.folder / "serving" / "statistics.json"

    @property
    def metrics_path(self) -> Path:
        return self.folder / "metrics.json"

    @property
    def predictions_path(self) -> Path:
        """The answers of the model on the test part; see `dlmath.evaluation.predictions`."""
        return self.folder / "predictions.csv"

    @property
    def audit_path(self) -> Path:
        return self.folder / "audit.json"

    @property
    def report_path(self) -> Path:
        return self.folder / "report" / "index.html"

    @property
    def model_card_path(self) -> Path:
        return self.folder / "MODEL_CARD.md"

    @property
    def exports(self) -> Path:
        return self.folder / "exports"

    @property
    def recipe(self) -> "Recipe":
        """The recipe that made this run."""
        from dlmath.recipe import Recipe  # loads TOML and builds a large class

        return Recipe.read(self._existing(self.recipe_path))

    @property
    def manifest(self) -> dict[str, Any]:
        """The record of the run: versions, command, data, split, threshold, state."""
        record = read_json(self._existing(self.manifest_path))
        if not isinstance(record, dict):
            raise RunError(f"{self.manifest_path} is no record of a run. {_PUT_BACK}")
        return record

    @property
    def sources(self) -> list[str | Path]:
        """The data that the run was trained on, where it lies as seen from here.

        The manifest holds paths relative to the run's folder.
        """
        given = self.manifest.get("data", {}).get("sources", [])
        if not given:
            raise RunError(f"{self.manifest_path} names no data. {_PUT_BACK}")
        return [
            source if source.startswith("tfds:") else (self.folder.resolve() / source).resolve()
            for source in given
        ]

    @property
    def is_finished(self) -> bool:
        """Return whether the training came to its end and left a model."""
        if not (self.model_path.is_file() and self.manifest_path.is_file()):
            return False
        return self.manifest.get("state") == "finished"

    def update_manifest(self, **changes: Any) -> None:
        """Set top-level entries of the manifest, leaving the others as they are."""
        write_json(self.manifest_path, {**self.manifest, **changes})

    def _existing(self, path: Path) -> Path:
        if not path.is_file():
            raise RunError(
                f"{self.folder} is not a whole run: {path.name} is missing. "
                "Train again, or list the runs that are here: dlmath runs list"
            )
        return path

    @classmethod
    def create(cls, task: str, folder: Path | None = None) -> Self:
        """Make the folder of a new run: `folder`, or `runs/<task>-<UTC time>`.

        Raises:
            RunError: `folder` exists and is not an empty folder, or cannot be made.
        """
        try:
            if folder is None:
                return cls(new_folder(task))
            cls.check_unoccupied(folder)
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_make(folder or RUNS, str(error.strerror)) from error
        return cls(folder)

    @classmethod
    def check_unoccupied(cls, folder: Path) -> None:
        """Refuse a folder that a new run could not have to itself.

        What a training left that was killed before it wrote a manifest occupies nothing.
        """
        try:
            names = {path.name for path in folder.iterdir()} if folder.exists() else set()
        except OSError as error:
            raise RunError(f"Cannot use {folder} for a run: {error.strerror}.") from error
        if cls(folder).lock_path.name in names:
            names -= {cls(folder).lock_path.name, *_BEGINNING, *filter(_is_leftover, names)}
        if names:
            raise RunError(
                f"The folder of a new run must be absent or empty, and {folder} holds "
                f"{min(names)}. Pass another with --out."
            )

    def clear_beginning(self) -> None:
        """Remove what a training left that was killed before it wrote a manifest."""
        self.remove_leftovers()
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def remove_leftovers(self) -> None:
        """Remove the temporary files of writers that were killed. Only for who holds the lock."""
        for path in self.folder.rglob(".*"):
            if _is_leftover(path.name):
                path.unlink(missing_ok=True)

    @classmethod
    def find(cls, given: str | Path | None = None) -> Self:
        """Return the run at a path or of a name under `runs/`; without one, the newest finished.

        The choice of the newest is named on stderr.

        Raises:
            RunError: There is no such run, or none at all.
        """
        if given is None:
            return cls._newest()
        places = places_of(given)
        for folder in places:
            if is_run(folder):
                cls(folder)._existing(cls(folder).manifest_path)
                return cls(folder)
        if folds := [fold for folder in places for fold in folds_in(folder)]:
            raise RunError(
                f"{folds[0].folder.parent} holds the runs of {len(folds)} folds. Name one of them, "
                f"such as {folds[0].folder}; all together: dlmath evaluate {quoted(given)}"
            )
        nearest = did_you_mean(str(given), [run.name for run in finished_runs()])
        raise RunError(
            f"No run at {' nor at '.join(map(str, places))}.{nearest} "
            "Make one with: dlmath train pneumonia --data phantom"
        )

    @classmethod
    def _newest(cls) -> Self:
        runs = finished_runs()
        if not runs:
            raise RunError(
                f"There is no finished run under {RUNS}{os.sep}. Make one with: "
                "dlmath train pneumonia --data phantom"
            )
        run = max(runs, key=lambda run: (run.manifest.get("finished", ""), run.name))
        print(  # noqa: T201  the contract: a choice made for the user is named
            visible(f"Using the newest finished run: {run.folder}"), file=sys.stderr
        )
        return cls(run.folder)


def places_of(given: str | Path) -> list[Path]:
    """Return where a run may be that a user gives: its folder, or its name under `runs/`."""
    return list(dict.fromkeys(map(given_path, (given, RUNS / given))))  # one of an absolute path


def is_run(folder: Path) -> bool:
    """Return whether the folder is that of a run, whole or not: a bare recipe makes none."""
    run = Run(folder)
    return run.manifest_path.is_file() or (run.recipe_path.is_file() and run.split_path.is_file())


def folds_in(folder: Path) -> list[Run]:
    """Return the runs in the folder of a cross-validation, in the order of the folds."""
    runs = [Run(path) for path in folder.glob("fold-*") if is_run(path) and not is_run(folder)]
    return sorted(runs, key=lambda run: (len(run.name), run.name))


def finished_runs(root: Path | None = None) -> list[Run]:
    """Return the finished runs under `root` (by default `runs/`), by name."""
    return [run for run in map(Run, sorted((root or RUNS).glob("*"))) if _is_finished(run)]


def cannot_make(place: Path, reason: str) -> RunError:
    """Return the error of a run's folder that cannot be made."""
    return RunError(f"Cannot make the run's folder {place}: {reason}.")


def _is_finished(run: Run) -> bool:
    with suppress(RunError):  # a damaged manifest: not a run to choose for the user
        return run.is_finished
    return False


def new_folder(name: str) -> Path:
    """Make the folder `runs/<name>-<UTC time>`; two runs begun in one second get two names.

    Raises:
        OSError: It cannot be made.
    """
    folder = RUNS / f"{shortened(name)}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    candidate, number = folder, 2
    while True:
        with suppress(FileExistsError):
            candidate.mkdir(parents=True)
            return candidate
        candidate, number = folder.with_name(f"{folder.name}-{number}"), number + 1


def _is_leftover(name: str) -> bool:
    return _LEFTOVER.fullmatch(name) is not None


def cache_home() -> Path:
    """Return the folder of caches: `$DLMATH_HOME`, or the platform's place for dlmath.

    Raises:
        UserError: There is none, as the user has no home folder.
    """
    given = os.environ.get("DLMATH_HOME")
    if given:
        return given_path(given)
    if sys.platform == "darwin":
        return home_folder() / "Library" / "Caches" / "dlmath"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local or home_folder() / "AppData" / "Local") / "dlmath" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or home_folder() / ".cache") / "dlmath"


def mark_used(path: Path) -> None:
    """Set the time of last use of an entry of a cache, by which the longest unused make room.

    A cache that several users share may be one that this user only reads.
    """
    with suppress(OSError):
        path.touch()


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 `text` with Unix line ends to `path`, whole or not at all."""
    write_bytes(path, readable(text).encode())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON. NaN and infinities are refused: they are not JSON."""
    document = readable_document(value)
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: Path, fields: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write `rows` under a header line of `fields`, whole or not at all."""
    write_text(path, csv_text(fields, rows))


def csv_text(fields: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return `rows` under a header line of `fields`, with Unix line ends."""
    import csv
    import io

    class Lines(io.StringIO):
        def write(self, line: str) -> int:
            return super().write(line.removesuffix("\r\n") + "\n")

    buffer = Lines()
    # Python before 3.13 quotes a carriage return only where it is part of the line's end.
    writer = csv.DictWriter(buffer, list(fields), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def read_json(path: Path) -> Any:
    """Read a JSON file of a run.

    Raises:
        RunError: It is missing or damaged.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"Cannot read {path}: {error.strerror}. {_PUT_BACK}") from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {error}. {_PUT_BACK}") from error
