"""Places of the data of a task, when they are not named in full."""

import os
from collections.abc import Sequence
from pathlib import Path

from dlmath.data.placing import atomic_folder
from dlmath.data.sources import Source
from dlmath.errors import DataError
from dlmath.given_paths import given_path
from dlmath.models.recipes import TASKS
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import cache_home

PHANTOM = "phantom"


def find_data(
    task: str, given: Sequence[Source] = (), *, reporter: Reporter = SILENT
) -> list[Source]:
    """Return the sources to read for a task.

    Args:
        task: A recipe's name.
        given: What the user named. The word `phantom` stands for drawn images, which are made
            once in the cache. Nothing given: see `data_at_hand`.
        reporter: Receives the progress.

    Raises:
        DataError: Nothing was given and nothing is at hand, or the task has no phantom.
    """
    if given:
        return [_phantom(task, reporter) if str(source) == PHANTOM else source for source in given]
    at_hand = data_at_hand(task)
    if at_hand is None:
        looked = ", ".join(str(root) for root in _roots())
        has_archive = task in TASKS and TASKS[task].archive is not None
        fetch = f"Get them with `dlmath data download {task}`, or name" if has_archive else "Name"
        raise DataError(
            f"There are no data of {task!r} in {looked}. {fetch} them with --data PATH (a folder "
            "of class folders, a zip of one, a CSV), set DLMATH_DATA to the folder that holds "
            f"{' or '.join(_names(task))}, or try drawn images with --data {PHANTOM}"
        )
    return [at_hand]


def data_at_hand(task: str) -> Path | None:
    """Return the first folder or zip of the task in `$DLMATH_DATA`, `./data` or the cache."""
    for root in _roots():
        for name in _names(task):
            for path in (root / name, root / f"{name}.zip"):
                if path.exists():
                    return path
    return None


def _roots() -> list[Path]:
    named = os.environ.get("DLMATH_DATA")
    given = [given_path(named)] if named else []
    return [*given, Path("data"), cache_home() / "data"]


def _names(task: str) -> tuple[str, ...]:
    return (task, *TASKS[task].folders) if task in TASKS else (task,)


def _phantom(task: str, reporter: Reporter) -> Path:
    # Imported here: it draws with NumPy and Pillow, which finding real data does without.
    from dlmath.data.phantom import VERSION, write_phantoms

    folder = cache_home() / "phantom" / f"{task}-{VERSION}"
    if not folder.is_dir():
        with atomic_folder(folder) as temporary:
            write_phantoms(
                task,
                temporary,
                progress=reporter.task("drawing"),
            )
    return folder
