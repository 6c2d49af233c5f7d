"""The recipes that ship, by the name of their task."""

from dlmath.models import malaria, pneumonia
from dlmath.recipe import Recipe

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (malaria.RECIPE, pneumonia.RECIPE)}
