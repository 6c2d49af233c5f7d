import pytest

from dlmath.models import RECIPES
from dlmath.recipe import Recipe
from dlmath.recipe.toml_text import commented_toml


@pytest.mark.parametrize("name", RECIPES)
def test_the_file_is_the_recipe(name):
    text = commented_toml(RECIPES[name], "Train with: dlmath train")
    assert Recipe.from_toml(text) == RECIPES[name]
    assert text.startswith("# Train with: dlmath train\n")
    assert max(map(len, text.splitlines())) <= 120  # patient rules may be long, comments are not
    assert all(len(line) <= 100 for line in text.splitlines() if line.startswith("#"))
