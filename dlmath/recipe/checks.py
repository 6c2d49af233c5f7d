"""Checks of the fields of a recipe together, besides those of each field."""

import re
from typing import TYPE_CHECKING

from dlmath.errors import RecipeError, did_you_mean
from dlmath.names import folded
from dlmath.recipe.table_columns import column_names

if TYPE_CHECKING:
    from dlmath.recipe.recipe import Recipe


def check_together(recipe: "Recipe") -> None:
    """Refuse a recipe whose fields cannot be read, or do not go together.

    Raises:
        RecipeError: The first that is wrong, and what it must be.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", recipe.name):
        raise RecipeError(
            "`name` must begin with a letter or digit and hold only letters, digits, "
            f"dots, dashes and underscores. Received: name={recipe.name!r}"
        )
    _check_classes(recipe)
    _check_patient_rules(recipe)
    column_names(recipe.columns)
    _check_calibration(recipe)
    if (recipe.region_width < 1) != (recipe.region_height < 1):
        raise RecipeError(
            "`region_width` and `region_height` name a region together: set both below 1, or "
            f"neither. Received: region_width={recipe.region_width}, "
            f"region_height={recipe.region_height}"
        )
    if recipe.swaps_borders and recipe.region is None:
        raise RecipeError(
            "`border_swap` and `choose_on` = 'stressed' need a region smaller than the picture: "
            "set region_width and region_height below 1. "
            f"Received: border_swap={recipe.border_swap}, "
            f"choose_on={recipe.choose_on!r}, region_width={recipe.region_width}, "
            f"region_height={recipe.region_height}"
        )
    if recipe.weight_decay and recipe.optimizer != "adamw":
        raise RecipeError(
            "`weight_decay` needs optimizer = 'adamw'. "
            f"Received: weight_decay={recipe.weight_decay}, optimizer={recipe.optimizer!r}"
        )


def _check_classes(recipe: "Recipe") -> None:
    if recipe.classes and len(recipe.classes) < 2:
        raise RecipeError(
            f"`classes` must name at least two classes. Received: classes={list(recipe.classes)}"
        )
    if len(set(map(folded, recipe.classes))) < len(recipe.classes):
        raise RecipeError(
            "`classes` must differ by more than upper and lower case or Unicode form. "
            f"Received: classes={list(recipe.classes)}"
        )
    if recipe.positive_class and recipe.classes and recipe.positive_class not in recipe.classes:
        raise RecipeError(
            f"`positive_class` must be one of {list(recipe.classes)}."
            f"{did_you_mean(recipe.positive_class, recipe.classes)} "
            f"Received: positive_class={recipe.positive_class!r}"
        )


def _check_calibration(recipe: "Recipe") -> None:
    if recipe.calibration == "platt" and len(recipe.classes) > 2:
        raise RecipeError(
            "Platt scaling is for two classes. Received: calibration='platt' for "
            f"{len(recipe.classes)} classes. Pass calibration = 'temperature'."
        )


def _check_patient_rules(recipe: "Recipe") -> None:
    for rule in recipe.patient_rules:
        try:
            groups = re.compile(rule).groupindex
        except (re.error, OverflowError, RecursionError) as error:
            raise RecipeError(
                f"`patient_rules` must hold regular expressions: {error}. Received: {rule!r}"
            ) from error
        if "patient" not in groups:
            raise RecipeError(
                f"Each of `patient_rules` must hold a group (?P<patient>…). Received: {rule!r}"
            )
