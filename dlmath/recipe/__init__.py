"""The recipe of a run, and what each of its fields says about itself."""

from dlmath.recipe.recipe import Recipe
from dlmath.recipe.setting import Between, OneOf, Option, Setting, Use, setting, settings_of

__all__ = ["Between", "OneOf", "Option", "Recipe", "Setting", "Use", "setting", "settings_of"]
