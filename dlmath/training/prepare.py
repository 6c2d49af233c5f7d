"""From what the user named to what can be trained on: the recipe completed, the data split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlmath.data.locate import find_data
from dlmath.data.sources import Catalogue, read_sources
from dlmath.data.splits import Split, read_split, split_examples
from dlmath.errors import RecipeError, did_you_mean
from dlmath.models import RECIPES
from dlmath.models.backbones import find_backbone
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run

Data = str | Path | Sequence[str | Path] | None


@dataclass(frozen=True)
class Prepared:
    """A recipe with its classes known, and data split by patient."""

    recipe: Recipe
    catalogue: Catalogue
    split: Split
    sources: tuple[str | Path, ...]

    @property
    def warnings(self) -> list[str]:
        return [*self.catalogue.warnings, *self.split.warnings]


def resolve(task: Recipe | str | Path, data: Data, settings: dict[str, Any]) -> tuple[Recipe, Data]:
    """Return the recipe for a task's name, a TOML file or a folder of class folders, and the data.

    A folder is its own data unless others are given.

    Raises:
        RecipeError: The task is none of these, or a setting is refused or would have no effect.
    """
    recipe, own_data = _recipe_of(task)
    recipe = recipe.replace(**settings)
    recipe.refuse_without_effect(settings)
    return recipe, data or own_data


def _recipe_of(task: Recipe | str | Path) -> tuple[Recipe, Path | None]:
    if isinstance(task, Recipe):
        return task, None
    if str(task) in RECIPES:
        return RECIPES[str(task)], None
    path = Path(task)
    if path.is_file() and path.suffix == ".toml":
        return Recipe.read(path), None
    if path.is_dir():
        return recipe_of_folder(path), path
    raise RecipeError(
        f"There is no task {str(task)!r}.{did_you_mean(str(task), RECIPES)} A task is one of "
        f"{', '.join(RECIPES)}, the path of a recipe.toml, or a folder of class folders. "
        "See what there is: dlmath data list"
    )


def recipe_of_folder(folder: Path) -> Recipe:
    """Return the recipe for a user's own folder: an offline backbone under a fresh head."""
    letters = [c if c.isalnum() or c in "._-" else "_" for c in folder.resolve().name]
    return Recipe(
        name="".join(letters).lstrip("._-") or "images",
        class_weights="balanced",
        learning_rate=1e-2,
        backbone_rate=0.01,
        epochs=10,
    )


def prepare(recipe: Recipe, data: Data, reporter: Reporter) -> Prepared:
    """Find the data of a recipe, read what is there, and split it by patient."""
    find_backbone(recipe.backbone, recipe.image_size)  # refuses before any file is read
    sources = tuple(find_data(recipe.name, as_paths(data), progress=reporter.progress))
    catalogue = read_sources(
        sources,
        classes=recipe.classes,
        patient_rules=recipe.patient_rules,
        progress=reporter.progress,
    )
    recipe = complete(recipe, catalogue)
    split = split_examples(
        catalogue,
        seed=recipe.seed,
        validation_fraction=recipe.validation_fraction,
        test_fraction=recipe.test_fraction,
    )
    return Prepared(recipe, catalogue, split, sources)


def prepare_again(run: Run, data: Data, reporter: Reporter) -> Prepared:
    """Return the data of a run, split as its `split.csv` records.

    Args:
        run: Made before.
        data: Where the data lies now, if it was moved.
        reporter: Hears of the progress.

    Raises:
        DataError: The data are gone, or not those that the run began with.
    """
    recipe = run.recipe
    sources = tuple(find_data(recipe.name, as_paths(data)) if data else run.sources)
    catalogue = read_sources(
        sources,
        classes=recipe.classes,
        patient_rules=recipe.patient_rules,
        progress=reporter.progress,
    )
    return Prepared(recipe, catalogue, read_split(run.split_path, catalogue), sources)


def as_paths(data: Data) -> list[str | Path]:
    """Return one path, several, or none as a list."""
    if data is None:
        return []
    return [data] if isinstance(data, str | Path) else list(data)


def complete(recipe: Recipe, catalogue: Catalogue) -> Recipe:
    """Fill in the classes found on disk, and refuse to guess which of two is the disease."""
    if not recipe.classes:
        recipe = recipe.replace(classes=catalogue.classes)
    if recipe.is_binary and not recipe.positive_class:
        first, second = recipe.classes
        raise RecipeError(
            f"Which class is the positive one, {first!r} or {second!r}? Sensitivity and AUC are "
            f"about it. Say so with: --set positive_class={second}"
        )
    return recipe
