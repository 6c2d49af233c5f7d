"""`examine`: make every check, independently of the others, and collect the verdicts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dlmath.doctor.checks import MACHINE, OF_RUN
from dlmath.doctor.examined_run import ExaminedRun, Unavailable
from dlmath.doctor.mirrored_training import two_devices
from dlmath.doctor.verdict import Line, Verdict, fault, not_applicable
from dlmath.errors import DlmathError
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run


@dataclass(frozen=True)
class Examination:
    """The verdicts of `dlmath doctor`.

    Attributes:
        run: The name of the run; None where only the machine was examined.
        lines: The verdicts, in the order of the checks.
    """

    run: str | None
    lines: tuple[Line, ...]

    @property
    def faults(self) -> tuple[Line, ...]:
        """The lines with a fault."""
        return tuple(line for line in self.lines if line.verdict.word == "fault")

    @property
    def warnings(self) -> tuple[Line, ...]:
        """The lines with a warning."""
        return tuple(line for line in self.lines if line.verdict.word == "warning")

    def verdict(self, check: str) -> Verdict:
        """Return the verdict of a check by its name."""
        return next(line.verdict for line in self.lines if line.check == check)

    def as_json(self) -> dict[str, Any]:
        """Return the document of `doctor --json`."""
        return {
            "run": self.run,
            "faults": len(self.faults),
            "warnings": len(self.warnings),
            "checks": [line.as_json() for line in self.lines],
        }


def examine(
    run: Run | str | Path | None = None,
    *,
    distributed: bool = False,
    reporter: Reporter = SILENT,
) -> Examination:
    """Examine the machine, and a run if one is given.

    Args:
        run: A run, its folder, or its name under `runs/`.
        distributed: Also train on two virtual devices in a process of their own.
        reporter: Receives the progress.

    Raises:
        RunError: There is no such run, or its recipe or manifest is damaged.

    Example:
        >>> from dlmath.doctor import examine
        >>> examination = examine("runs/example")
        >>> [line.check for line in examination.faults]
        []
    """
    found = None if run is None else run if isinstance(run, Run) else Run.find(run)
    checks: list[tuple[str, str, Callable[[], Verdict]]] = [
        ("machine", check.name, check.make) for check in MACHINE
    ]
    if distributed:
        checks.append(("machine", "two devices", two_devices))
    if found is not None:
        examined = ExaminedRun(found)
        _ = examined.recipe, examined.manifest  # without these there is nothing to examine
        checks += [(one.group, one.name, partial(one.make, examined)) for one in OF_RUN]
    lines = []
    for done, (group, name, make) in enumerate(checks):
        reporter.progress("checks", done, len(checks), name)
        lines.append(Line(group, name, _made(make)))
    reporter.progress("checks", len(checks), len(checks))
    return Examination(None if found is None else found.name, tuple(lines))


def _made(make: Callable[[], Verdict]) -> Verdict:
    """Make a check; one that cannot be made must not keep the others from being made."""
    try:
        return make()
    except Unavailable as error:
        return not_applicable(str(error))
    except DlmathError as error:
        return fault(str(error), "See the message.")
    except Exception as error:
        return fault(
            f"The check itself failed: {type(error).__name__}: {error}",
            "The run is damaged in a way that was not foreseen, or this is a fault of dlmath.",
        )
