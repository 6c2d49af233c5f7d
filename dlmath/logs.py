"""The loggers of the library, and `log.txt`, which holds what was logged while a run was trained.

They are those of Python's `logging`, all below `dlmath`. As in any library nothing is shown until a
handler is attached: a run attaches one that writes its `log.txt`, and `--verbose` one that prints
the details.

`log.txt` is for those who look for a fault, on this machine: a traceback names the files of the
installation. The name of the run's own folder is left out, so that a log that is passed on does not
tell where its user keeps things.
"""

import logging
import traceback
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from dlmath.errors import DlmathError, Stopped
from dlmath.reporting import Reporter
from dlmath.runs import Run

NAME = "log.txt"
LOGGER = logging.getLogger("dlmath")
LOGGER.addHandler(logging.NullHandler())
NEWS = logging.getLogger("dlmath.news")  # what a reporter displays, too
DETAILS = logging.getLogger("dlmath.details")  # what only a search for a fault needs


@contextmanager
def attached(handler: logging.Handler) -> Iterator[None]:
    """Let a handler receive what the library logs from INFO on, for the block."""
    level, propagate = LOGGER.level, LOGGER.propagate
    LOGGER.addHandler(handler)
    if not LOGGER.isEnabledFor(logging.INFO):
        LOGGER.setLevel(logging.INFO)
        # The handlers of the root, where other libraries put theirs, do not look at its level.
        LOGGER.propagate = False
    try:
        yield
    finally:
        LOGGER.setLevel(level)  # which also forgets what it had worked out
        LOGGER.propagate = propagate
        LOGGER.removeHandler(handler)
        handler.close()


class LoggingReporter(Reporter):
    """Passes everything on to another reporter, and logs it.

    Args:
        reporter: Receives everything that this one receives.
    """

    def __init__(self, reporter: Reporter):
        self._reporter = reporter

    def say(self, message: str) -> None:
        """Pass a line on and log it, as a warning if it begins with that word."""
        self._reporter.say(message)
        is_warning = message.startswith("Warning: ")
        level = logging.WARNING if is_warning else logging.INFO
        NEWS.log(level, "%s", message.removeprefix("Warning: "))

    def progress(self, task: str, done: int, total: int, note: str = "") -> None:
        """Pass progress on and log the end of a task."""
        self._reporter.progress(task, done, total, note)
        if done >= total:
            DETAILS.info("%s", f"{task}: {done:,} of {total:,}  {note}".rstrip())

    def quietly(self) -> AbstractContextManager[None]:
        """Return the context of the other reporter."""
        return self._reporter.quietly()


class RunLogHandler(logging.FileHandler):
    """Appends records to the `log.txt` of a run.

    A log that cannot be written is no reason to end a training: what fails there is passed over.

    Args:
        run: The run that is trained.
    """

    def __init__(self, run: Run):
        super().__init__(run.folder / NAME, encoding="utf-8", delay=True)
        self.setFormatter(_RunFormatter(run))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, if the file can be opened."""
        with suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  as logging calls it
        """Pass over a record that could not be written."""

    def close(self) -> None:
        """Close the file; on a full disk its end may be lost."""
        with suppress(OSError):
            super().close()


class _RunFormatter(logging.Formatter):
    """Time and level before each line, and the name of the run in the place of its folder."""

    def __init__(self, run: Run):
        super().__init__()
        # The longer one first: the shorter may be a part of it.
        self._places = sorted({str(run.folder.resolve()), str(run.folder)}, key=len, reverse=True)
        self._name = run.name

    def format(self, record: logging.LogRecord) -> str:
        message = super().format(record)
        for place in self._places:
            if len(place) > 1:  # "." is a full stop, too
                message = message.replace(place, self._name)
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        lines = message.splitlines() or [""]
        return "\n".join(f"{time} {record.levelname:7} {line}" for line in lines)


@contextmanager
def logged(run: Run, reporter: Reporter) -> Iterator[LoggingReporter]:
    """Write the run's log for the block, warnings and errors included.

    Args:
        run: Its manifest is there already; what it says about the beginning is the first lines.
        reporter: Receives everything as before.

    Yields:
        A reporter that passes on to `reporter` and logs.
    """
    with attached(RunLogHandler(run)), _logged_warnings():
        _log_beginning(run)
        try:
            yield LoggingReporter(reporter)
        except Stopped as stop:
            DETAILS.info("%s", stop)
            raise
        except DlmathError as error:
            DETAILS.error("%s: %s", type(error).__name__, error)
            raise
        except BaseException:
            DETAILS.error("%s", traceback.format_exc())
            raise
        DETAILS.info("Done.")


@contextmanager
def _logged_warnings() -> Iterator[None]:
    """Log Python's warnings for the block; they are shown as before."""
    show = warnings.showwarning

    def log(message: Any, category: type[Warning], *where: Any, **options: Any) -> None:
        DETAILS.warning("%s: %s", category.__name__, message)
        show(message, category, *where, **options)

    warnings.showwarning = log
    try:
        yield
    finally:
        warnings.showwarning = show


def _log_beginning(run: Run) -> None:
    """Log what the manifest knows by now, which was said before there was a folder."""
    manifest = run.manifest
    versions = ", ".join(f"{name} {value}" for name, value in manifest.get("versions", {}).items())
    command = manifest.get("command") or "called from Python"
    DETAILS.info("%s: %s", manifest.get("task"), command)
    DETAILS.info("%s; %s", versions, manifest.get("platform"))
    DETAILS.info("device %s, threads %s", manifest.get("device"), manifest.get("threads"))
    for warning in manifest.get("warnings", []):
        DETAILS.warning("%s", warning)
    if "audit" in manifest:
        DETAILS.info("audit: %s", manifest["audit"])
