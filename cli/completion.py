"""Completions of a shell at the tab key: names of runs, tasks and networks.

Where none of them begins as what was typed, the shell falls back to files, so paths stay at hand.
Typer finds the choices of options by itself; install with: dlmath --install-completion
"""

from collections.abc import Iterable

from dlmath.fold_runs import FoldRuns
from dlmath.runs import RUNS, is_run


def run_names(incomplete: str) -> list[str]:
    """Return the names of the runs under `runs/` that begin so, finished or not."""
    folders = list(RUNS.iterdir()) if RUNS.is_dir() else []
    names = [folder.name for folder in folders if is_run(folder)]
    for folds in FoldRuns.all():
        names += [folds.name, *(f"{folds.name}/{run.name}" for run in folds.runs)]
    return _beginning(names, incomplete)


def task_names(incomplete: str) -> list[str]:
    """Return the tasks that begin so."""
    from dlmath.models import RECIPES

    return _beginning(RECIPES, incomplete)


def recipe_names(incomplete: str) -> list[str]:
    """Return the further recipes of the tasks that begin so."""
    from dlmath.models.recipes import TASKS

    return _beginning({name for task in TASKS.values() for name in task.others}, incomplete)


def backbone_names(incomplete: str) -> list[str]:
    """Return the networks that begin so."""
    from dlmath.models.backbones import BACKBONES

    return _beginning(BACKBONES, incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
