"""Recipes of the tasks by name. Loads no Keras, so that a slip is named at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlmath.errors import RecipeError, did_you_mean
from dlmath.given_paths import given_path
from dlmath.models.backbones import check_imagenet, find_backbone
from dlmath.models.own_images import is_own_images, recipe_of_images
from dlmath.models.recipes import RECIPES, TASKS
from dlmath.models.weights_path import WORDS, check_weights_path
from dlmath.recipe import Recipe


def recipe_with(task: Recipe | str | Path, settings: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a task, with fields of it set.

    Args:
        task: A recipe, a task's name, the path of a recipe.toml, or the place of own images.
        settings: Fields of the recipe by name.

    Raises:
        RecipeError: The task is none of these, there is no such backbone, or a setting is refused
            or would have no effect.
        WeightsError: There is no such file of weights, or no ImageNet weights of the network.
    """
    recipe = _recipe_of(task).replace(**settings)
    recipe.check_has_effect(settings)
    backbone = find_backbone(recipe.backbone, recipe.image_size)
    check_imagenet(recipe.backbone, backbone, recipe.weights)
    if recipe.weights not in WORDS:
        check_weights_path(given_path(recipe.weights))
    return recipe


def other_recipe(task: str, name: str) -> Recipe:
    """Return a further recipe of a task that ships, such as that of a paper.

    Args:
        task: The task's name.
        name: That of the recipe, one of `Task.others`.

    Raises:
        RecipeError: There is no such task, or it has no such recipe.

    Example:
        >>> from dlmath.models import other_recipe
        >>> other_recipe("malaria", "paper").backbone
        'malaria_cnn'
    """
    if task not in TASKS:
        _recipe_of(task)  # a slip in the name is named first
        raise RecipeError(
            f"Only a task that ships has a further recipe. Received: recipe={name!r} with {task}, "
            f"which is not one of {', '.join(TASKS)}. Leave it out."
        )
    others = TASKS[task].others
    if name in others:
        return others[name]
    there_are = "; ".join(
        f"{one.name}: {', '.join(one.others)}" for one in TASKS.values() if one.others
    )
    raise RecipeError(
        f"{task} has no further recipe {name!r}.{did_you_mean(name, others)} There are, by task: "
        f"{there_are}. Pass one of these, or none for the default."
    )


def _recipe_of(task: Recipe | str | Path) -> Recipe:
    if isinstance(task, Recipe):
        return task
    if str(task) in RECIPES:
        return RECIPES[str(task)]
    path = given_path(task)
    if path.is_file() and path.suffix == ".toml":
        return Recipe.read(path)
    if is_own_images(path):
        return recipe_of_images(path)
    raise RecipeError(
        f"There is no task {str(task)!r}.{did_you_mean(str(task), RECIPES)} A task is one of "
        f"{', '.join(RECIPES)}, the path of a recipe.toml, or your own images: a folder of class "
        "folders, a zip of one, or a CSV. See what there is: dlmath data list"
    )
