"""The recipe of a run, and what each of its fields says about itself."""

from dlmath.recipe.metadata import Between, OneOf, Option, Setting, Use, setting, settings_of
from dlmath.recipe.recipe import Recipe

__all__ = ["Between", "OneOf", "Option", "Recipe", "Setting", "Use", "setting", "settings_of"]
