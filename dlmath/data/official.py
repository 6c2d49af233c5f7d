"""The official archive of a task."""

from dlmath.errors import DataError, did_you_mean
from dlmath.models.recipes import TASKS
from dlmath.models.task import OfficialArchive


def official_archive(task: str) -> OfficialArchive:
    """Return the archive of a task.

    Raises:
        DataError: The task has none.
    """
    known = {name: one.archive for name, one in TASKS.items() if one.archive is not None}
    if task not in known:
        raise DataError(
            f"There is an official archive of {' and '.join(known)}."
            f"{did_you_mean(task, known)} Received: task={task!r}"
        )
    return known[task]
