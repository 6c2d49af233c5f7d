"""The tasks that ship, found by their files, and their recipes.

A task is a module of this folder that says `TASK = Task(…)`.
"""

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from dlmath.models.task import Task
from dlmath.recipe import Recipe


def shipped(folder: Path = Path(__file__).parent) -> Iterator[Task]:
    """Give the task of each module in a folder of `dlmath.models` that has one, by file name."""
    # Read before they are imported: the other modules here would load Keras.
    for path in sorted(folder.glob("*.py")):
        if re.search(r"^TASK = Task\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield importlib.import_module(f"dlmath.models.{path.stem}").TASK


TASKS: dict[str, Task] = {task.name: task for task in shipped()}


class _Recipes(Mapping[str, Recipe]):
    """The recipe of each of `TASKS`, those too that were added since."""

    def __getitem__(self, name: str) -> Recipe:
        return TASKS[name].recipe

    def __iter__(self) -> Iterator[str]:
        return iter(TASKS)

    def __len__(self) -> int:
        return len(TASKS)


RECIPES: Mapping[str, Recipe] = _Recipes()
