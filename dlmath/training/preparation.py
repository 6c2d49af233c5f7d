"""Prepare a training: complete the recipe, find and read the data, and split it by patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from dlmath.data.found_files import say_found
from dlmath.data.locate import find_data
from dlmath.data.run_data import RunData
from dlmath.data.sources import Dataset, read_sources
from dlmath.data.splits import Split, split_examples
from dlmath.errors import UserError
from dlmath.models.own_images import check_named_once, is_own_images, with_found_classes
from dlmath.models.tasks import recipe_with
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training.warm_start import Parent, WarmStart, read_warm_start

Data = str | Path | Sequence[str | Path] | None


@dataclass(frozen=True)
class Prepared:
    """A recipe with its classes known, and data split by patient."""

    recipe: Recipe
    dataset: Dataset
    split: Split
    sources: tuple[str | Path, ...]
    warm_start: WarmStart | None = None  # of a run that continues another one

    @property
    def warnings(self) -> list[str]:
        """The warnings about the data and their split."""
        return [*self.dataset.warnings, *self.split.warnings]


class Request(NamedTuple):
    """The recipe and the data that the user named.

    Attributes:
        finds_patients: Whether the rules that read the patients from file names are searched for in
            the data; else the recipe gives them.
        parent: The run that the training continues.
    """

    recipe: Recipe
    data: Data
    finds_patients: bool = False
    parent: Parent | None = None


def resolve(task: Recipe | str | Path, data: Data, settings: dict[str, Any]) -> Request:
    """Return the recipe for a task's name, a TOML file or the user's own images, and the data.

    Own images (a folder, a zip or a CSV) are the data, and the rules that read their patients are
    searched for unless the settings give them.

    Raises:
        RecipeError: The task is none of these, a setting is refused or would have no effect, or
            other data are named next to own images.
    """
    recipe = recipe_with(task, settings)
    if isinstance(task, Recipe) or not is_own_images(task):
        return Request(recipe, data)
    check_named_once(task, as_paths(data))
    return Request(recipe, Path(task), finds_patients="patient_rules" not in settings)


def resolve_from(
    parent: Parent, task: Recipe | str | Path | None, data: Data, settings: dict[str, Any]
) -> Request:
    """Return the request of a training that continues a finished run.

    Raises:
        UserError: No new data are named, or the request does not fit to the run.
    """
    if isinstance(task, str | Path) and is_own_images(task):
        check_named_once(task, as_paths(data))
        data = Path(task)
    if data is None:
        raise UserError(
            f"To go on from {parent.run.folder} needs data: name them with --data, the old ones "
            "too if they shall not be forgotten."
        )
    return Request(parent.recipe(task, settings), data, parent=parent)


def prepare(request: Request, reporter: Reporter) -> Prepared:
    """Find and read the data of a request, and split them by patient."""
    recipe, data, finds_patients, parent = request
    sources = tuple(find_data(recipe.name, as_paths(data), reporter=reporter))
    dataset = read_sources(
        sources,
        classes=recipe.classes,
        patient_rules=None if finds_patients else recipe.patient_rules,
        reporter=reporter,
    )
    say_found((example.path for example in dataset.examples), dataset.passed_over, reporter)
    recipe = recipe.replace(patient_rules=dataset.patients.rules)
    recipe = with_found_classes(recipe, dataset.classes)
    if parent is not None:
        split = parent.split(dataset, recipe)
        return Prepared(recipe, dataset, split, sources, parent.warm_start())
    split = split_examples(
        dataset,
        seed=recipe.seed,
        validation_fraction=recipe.validation_fraction,
        test_fraction=recipe.test_fraction,
    )
    return Prepared(recipe, dataset, split, sources)


def prepare_again(
    run: Run, data: Data, reporter: Reporter, accepted: list[str] | None = None
) -> Prepared:
    """Return the data of a run, split as its `split.csv` records.

    Args:
        run: The run, whose folder holds its split.
        data: Where the data lies now, if it was moved.
        reporter: Receives the progress.
        accepted: Collects the images that are gone or changed; without it they are an error.

    Raises:
        DataError: The data are gone, or not those that the run began with.
    """
    recipe = run.recipe
    sources = find_data(recipe.name, as_paths(data)) if data else None
    own = RunData(run, sources, accepted=accepted, reporter=reporter)
    return Prepared(recipe, own.dataset, own.split, own.sources, warm_start=read_warm_start(run))


def as_paths(data: Data) -> list[str | Path]:
    """Return one path, several, or none as a list."""
    if data is None:
        return []
    return [data] if isinstance(data, str | Path) else list(data)
