"""From what the user named to what can be trained on: the recipe completed, the data split."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.data.locate import find_data
from dlmath.data.pixels import Pixels, load_pixels
from dlmath.data.sources import Catalogue, Example, read_sources
from dlmath.data.splits import Split, split_examples
from dlmath.errors import DataError, RecipeError, did_you_mean
from dlmath.models import RECIPES
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter

Data = str | Path | Sequence[str | Path] | None


@dataclass(frozen=True)
class Labelled:
    """Resized images in memory or mapped, with the class of each.

    Attributes:
        pixels: N images.
        labels: (N,) class indices in the order of the recipe's classes.
    """

    pixels: Pixels
    labels: np.ndarray

    def one_hot(self, classes: int) -> np.ndarray:
        """Return the labels as (N, classes) float32."""
        return np.eye(classes, dtype=np.float32)[self.labels]


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


def resolve_recipe(recipe: Recipe | str | Path, settings: dict[str, Any]) -> Recipe:
    """Return the recipe for a task's name, a TOML file, or a folder of class folders.

    Raises:
        RecipeError: It is none of these, or a setting is refused.
    """
    if not isinstance(recipe, Recipe):
        recipe = _named_recipe(recipe)
    return recipe.replace(**settings)


def _named_recipe(task: str | Path) -> Recipe:
    if str(task) in RECIPES:
        return RECIPES[str(task)]
    path = Path(task)
    if path.is_file() and path.suffix == ".toml":
        return Recipe.read(path)
    if path.is_dir():
        return recipe_of_folder(path)
    raise RecipeError(
        f"No task {str(task)!r}.{did_you_mean(str(task), RECIPES)} A task is one of "
        f"{', '.join(RECIPES)}, the path of a recipe.toml, or a folder of class folders. "
        "Try: dlmath data list"
    )


def recipe_of_folder(folder: Path) -> Recipe:
    """Return the recipe for a user's own folder: an offline backbone under a fresh head."""
    letters = [c if c.isalnum() or c in "._-" else "_" for c in folder.resolve().name]
    return Recipe(name="".join(letters).lstrip("._-") or "images", class_weights="balanced")


def prepare(recipe: Recipe, data: Data) -> Prepared:
    """Find the data of a recipe, read what is there, and split it by patient."""
    sources = tuple(find_data(recipe.name, as_paths(data)))
    catalogue = read_sources(
        sources, classes=recipe.classes, patient_rules=recipe.patient_rules
    )
    recipe = complete(recipe, catalogue)
    split = split_examples(
        catalogue,
        seed=recipe.seed,
        validation_fraction=recipe.validation_fraction,
        test_fraction=recipe.test_fraction,
    )
    return Prepared(recipe, catalogue, split, sources)


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


def load_labelled(
    examples: Iterable[Example], recipe: Recipe, reporter: Reporter, task: str
) -> Labelled:
    """Decode and resize the examples' images.

    Raises:
        DataError: A file is bad and the recipe does not skip those, or none is left.
    """
    pixels = load_pixels(
        list(examples),
        recipe.image_size,
        on_bad_file=recipe.on_bad_file,
        progress=lambda done, total: reporter.progress(task, done, total),
    )
    if not pixels.examples:
        raise DataError("Not one image could be read. Look at them with: dlmath data show PATH")
    index = {name: number for number, name in enumerate(recipe.classes)}
    labels = np.array([index[example.label] for example in pixels.examples])
    return Labelled(pixels, labels)
