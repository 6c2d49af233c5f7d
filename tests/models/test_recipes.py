import subprocess
import sys

import pytest

from dlmath.errors import RecipeError
from dlmath.models import BACKBONES, RECIPES, other_recipe
from dlmath.models.backbones import find_backbone
from dlmath.models.recipes import TASKS
from dlmath.models.tasks import recipe_with
from dlmath.recipe import Recipe


def test_the_papers_tasks_are_there():
    assert set(RECIPES) >= {"malaria", "pneumonia"}


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        pytest.param(name, recipe, id=f"{name}-{which}")
        for name, task in TASKS.items()
        for which, recipe in {"best": task.recipe, **task.others}.items()
    ],
)
def test_a_recipe_is_whole(name, recipe):
    assert recipe.name == name
    assert recipe.positive_class in recipe.classes
    assert recipe.patient_rules
    assert find_backbone(recipe.backbone, recipe.image_size) is BACKBONES[recipe.backbone]
    assert Recipe.from_toml(recipe.to_toml()) == recipe


def test_the_default_needs_no_network():
    for recipe in RECIPES.values():
        assert recipe.weights == "none" or BACKBONES[recipe.backbone].imagenet == "installed"


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("tune", ["head", "tail", "all"])
def test_another_part_can_be_tuned_of_every_default(name, tune):
    assert recipe_with(name, {"tune": tune}) == RECIPES[name].replace(tune=tune)


def test_only_a_task_has_further_recipes(tmp_path):
    (tmp_path / "own.toml").write_text(RECIPES["malaria"].to_toml(), encoding="utf-8")
    for place in (tmp_path, tmp_path / "own.toml"):
        with pytest.raises(RecipeError, match=r"Received: recipe='paper' with .*malaria, pneu"):
            other_recipe(str(place), "paper")
    with pytest.raises(RecipeError, match="no task 'malria'.* Did you mean 'malaria'"):
        other_recipe("malria", "paper")


def test_a_recipe_that_is_not_there_names_those_that_are():
    message = "pneumonia has no further recipe 'papper'. Did you mean 'paper'.*pneumonia: paper"
    with pytest.raises(RecipeError, match=message):
        other_recipe("pneumonia", "papper")


def test_pneumonia_follows_the_paper():
    recipe = other_recipe("pneumonia", "paper")

    assert recipe.backbone == "efficientnet_b0"
    assert recipe.weights == "imagenet"
    assert recipe.mixup > 0
    assert recipe.epochs == 5
    assert recipe.positive_class == recipe.classes[1]


def test_malaria_follows_the_paper():
    recipe = other_recipe("malaria", "paper")

    assert recipe.backbone == "malaria_cnn"
    assert recipe.weights == "none"
    assert recipe.optimizer == "adam"
    assert recipe.epochs == 5
    assert recipe.positive_class == recipe.classes[0]  # the disease is not class 1 by right


def test_the_tables_are_read_without_keras():
    code = (
        "import sys; from dlmath.models import BACKBONES, RECIPES; "
        "print(len(BACKBONES) > 0 and not {'keras', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
