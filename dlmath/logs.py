"""The log of a run: `log.txt`, what was said while it was trained, with the time of each line.

It is for those who look for a fault, on this machine: a traceback names the files of the
installation. The name of the run's own folder is left out, so that a log that is passed on does not
tell where its user keeps things.
"""

import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from dlmath.errors import DlmathError, Stopped
from dlmath.reporting import Reporter
from dlmath.runs import Run

NAME = "log.txt"


class RunLog(Reporter):
    """Passes everything on, and writes it down.

    A log that cannot be written is no reason to end a training: what fails there is passed over.

    Args:
        run: In whose folder the log lies.
        reporter: Hears what is said, and the details too.
    """

    def __init__(self, run: Run, reporter: Reporter):
        self._path = run.folder / NAME
        self._reporter = reporter
        # The longer one first: the shorter may be a part of it.
        self._places = sorted({str(run.folder.resolve()), str(run.folder)}, key=len, reverse=True)
        self._name = run.name

    def say(self, message: str) -> None:
        """Pass a line on and write it down."""
        self._reporter.say(message)
        level, text = "INFO", message
        if message.startswith("Warning: "):
            level, text = "WARNING", message.removeprefix("Warning: ")
        self._write(level, text)

    def progress(self, task: str, done: int, total: int, note: str = "") -> None:
        """Pass progress on; the end of a task is written down."""
        self._reporter.progress(task, done, total, note)
        if done >= total:
            self.detail(f"{task}: {done:,} of {total:,}  {note}".rstrip())

    def detail(self, message: str, level: str = "INFO") -> None:
        """Write down what only those want to know who look for a fault."""
        self._reporter.detail(message)
        self._write(level, message)

    def _write(self, level: str, message: str) -> None:
        for place in self._places:
            if len(place) > 1:  # "." is a full stop, too
                message = message.replace(place, self._name)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        lines = [f"{now} {level:7} {line}\n" for line in message.splitlines() or [""]]
        with suppress(OSError), self._path.open("a", encoding="utf-8") as log:
            log.writelines(lines)


@contextmanager
def logged(run: Run, reporter: Reporter) -> Iterator[RunLog]:
    """Give a reporter for the block that writes the run's log, warnings and errors included.

    Args:
        run: Its manifest is there already; what it says about the beginning is the first lines.
        reporter: Receives everything as before.
    """
    log = RunLog(run, reporter)
    _begin(log, run)
    show = warnings.showwarning

    def note(message: Any, category: type[Warning], *where: Any, **options: Any) -> None:
        log.detail(f"{category.__name__}: {message}", "WARNING")
        show(message, category, *where, **options)

    warnings.showwarning = note
    try:
        yield log
    except Stopped as stop:
        log.detail(str(stop))
        raise
    except DlmathError as error:
        log.detail(f"{type(error).__name__}: {error}", "ERROR")
        raise
    except BaseException:
        log.detail(traceback.format_exc(), "ERROR")
        raise
    finally:
        warnings.showwarning = show
    log.detail("Done.")


def _begin(log: RunLog, run: Run) -> None:
    """Write down what the manifest knows by now, which was said before there was a folder."""
    manifest = run.manifest
    versions = ", ".join(f"{name} {value}" for name, value in manifest.get("versions", {}).items())
    log.detail(f"{manifest.get('task')}: {manifest.get('command') or 'called from Python'}")
    log.detail(f"{versions}; {manifest.get('platform')}")
    log.detail(f"device {manifest.get('device')}, threads {manifest.get('threads')}")
    for warning in manifest.get("warnings", []):
        log.detail(warning, "WARNING")
    if "audit" in manifest:
        log.detail(f"audit: {manifest['audit']}")
