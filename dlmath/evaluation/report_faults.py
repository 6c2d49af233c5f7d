"""Errors of reports, for those of runs and of cross-validations."""

from dlmath.errors import RunError
from dlmath.fold_runs import FoldRuns
from dlmath.runs import Run
from dlmath.terminal_text import quoted


def not_writable(run: Run | FoldRuns, error: OSError) -> RunError:
    """Return what to say when the report's folder cannot be written to."""
    return RunError(
        f"Cannot write the report into {run.report_path.parent}: {error.strerror}. The model "
        "and its metrics are kept. Make room or mend the permissions, then: "
        f"dlmath evaluate {quoted(run.folder)}"
    )
