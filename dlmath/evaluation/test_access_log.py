"""Test access log: count the evaluations of a run on its test part, and warn of choices made on it.

A test part measures a model once. Who looks, changes something and looks again has chosen on it,
and its metrics flatter what was chosen. Looking again is not forbidden; it is counted.
"""

import errno
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dlmath.data.listing import counted, listed
from dlmath.errors import RunError
from dlmath.runs import Run

_FILE = "test_openings.jsonl"


@dataclass(frozen=True)
class TestAccessLog:
    """Evaluations of a run that used images of its test part.

    Attributes:
        count: Number of evaluations, this one included.
        models: Number of different models or thresholds that were evaluated.
        test_part: SHA-256 of the test images' hashes, the same for every run on the same images.
        other_runs: Runs in the same folder that were evaluated on the same test part.
    """

    count: int
    models: int
    test_part: str
    other_runs: tuple[str, ...]

    def __str__(self) -> str:
        if self.count == 1:
            return "The test part has been opened for the first time."
        if self.models == 1:
            return (
                f"The test part has been opened {self.count:,} times, always with this model, so "
                "nothing was changed in between."
            )
        return (
            f"The test part has been opened {self.count:,} times, with "
            f"{counted(self.models, 'different model')} or thresholds."
        )

    @property
    def warnings(self) -> list[str]:
        """Warnings of choices that may have been made on the test part."""
        warnings = []
        if self.models > 1:
            warnings.append(
                f"{self} What was changed in between was changed in sight of the test part, and "
                "its metrics flatter what was kept."
            )
        if self.other_runs:
            number = counted(len(self.other_runs), "other run")
            warnings.append(
                f"{number} here saw the same test part ({listed(self.other_runs)}): to keep the "
                "best of them by these metrics is a choice made on the test part."
            )
        return warnings


def require_log(run: Run) -> None:
    """Check that an access can be recorded, before anything is computed for it.

    Raises:
        RunError: The folder of the run cannot be written to.
    """
    if not os.access(run.folder, os.W_OK):
        raise _not_countable(run, os.strerror(errno.EACCES))


def record_access(run: Run, test_hashes: list[str]) -> TestAccessLog:
    """Record one access to the test part of a run, and return the log.

    A line is added to `test_openings.jsonl`, by one write at the end of the file, so that
    evaluations at the same time are all counted.

    Args:
        run: The run that was evaluated.
        test_hashes: SHA-256 of each image of its test part.

    Raises:
        RunError: The file cannot be written or read.
    """
    test_part = hashlib.sha256("\n".join(sorted(test_hashes)).encode()).hexdigest()
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "test_part": test_part,
        "model": _fingerprint(run),
    }
    try:
        with (run.folder / _FILE).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(entry) + "\n")
    except OSError as error:
        raise _not_countable(run, str(error.strerror)) from error
    return _counted(run, test_part)


def read_access_log(run: Run) -> TestAccessLog | None:
    """Return the log of the test part that was used last; None if none was.

    Raises:
        RunError: The file is damaged.
    """
    lines = _read(run) if (run.folder / _FILE).is_file() else []
    return _counted(run, lines[-1]["test_part"]) if lines else None


def _not_countable(run: Run, reason: str) -> RunError:
    return RunError(
        f"Cannot count the opening of the test part in {run.folder / _FILE}: {reason}. "
        "Copy the run to a folder that you may write to, and evaluate it there."
    )


def _counted(run: Run, test_part: str) -> TestAccessLog:
    own = [line for line in _read(run) if line["test_part"] == test_part]
    return TestAccessLog(
        count=len(own),
        models=len({line["model"] for line in own}),
        test_part=test_part,
        other_runs=_others(run, test_part),
    )


def _fingerprint(run: Run) -> str:
    """Return a hash of all that decides: the model's bytes and the threshold."""
    digest = hashlib.sha256(run.model_path.read_bytes())
    digest.update(json.dumps((run.manifest.get("threshold") or {}).get("value")).encode())
    return digest.hexdigest()


def _others(run: Run, test_part: str) -> tuple[str, ...]:
    here = run.folder.resolve()
    found = (Run(path.parent) for path in here.parent.glob(f"*/{_FILE}"))
    return tuple(
        sorted(
            other.name
            for other in found
            if other.folder != here and any(line["test_part"] == test_part for line in _read(other))
        )
    )


def _read(run: Run) -> list[dict[str, Any]]:
    path = run.folder / _FILE
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [{"test_part": line["test_part"], "model": line["model"]} for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path} is damaged ({error}): how often the test part was opened is not known any "
            "more. Move the file away to count again."
        ) from error
