import unicodedata

import pytest

from dlmath.errors import RecipeError
from dlmath.models.own_images import (
    check_named_once,
    is_own_images,
    recipe_of_images,
    with_found_classes,
)
from dlmath.recipe import Recipe
from dlmath.training.preparation import resolve


def test_a_folder_a_zip_and_a_table_are_own_images(tmp_path):
    for name in ("a.zip", "b.CSV", "recipe.toml"):
        (tmp_path / name).touch()
    assert is_own_images(tmp_path)
    assert is_own_images(tmp_path / "a.zip")
    assert is_own_images(tmp_path / "b.CSV")
    assert not is_own_images(tmp_path / "recipe.toml")
    assert not is_own_images(tmp_path / "absent")
    assert not is_own_images("malaria")


def test_a_task_is_a_task_even_beside_a_folder_of_its_name(tmp_path, monkeypatch):
    (tmp_path / "malaria").mkdir()
    monkeypatch.chdir(tmp_path)
    assert not is_own_images("malaria")


def test_the_recipe_is_named_after_the_place_and_needs_no_network(tmp_path):
    recipe = recipe_of_images(tmp_path / "my skin (2024).zip")
    assert recipe.name == "my_skin__2024_"
    assert recipe.backbone == "efficientnet_lite0"
    assert recipe.solves_head


def test_the_positive_class_may_be_written_in_any_case():
    recipe = with_found_classes(Recipe(name="own", positive_class="ILL"), ("ill", "well"))
    assert recipe.positive_class == "ill"
    assert recipe.classes == ("ill", "well")


@pytest.mark.parametrize(
    ("positive", "classes", "message"),
    [
        ("", ("ill", "well"), "--positive well"),
        ("il", ("ill", "well"), "Did you mean 'ill'"),
        ("a", ("a", "b", "c"), "of 3 the most probable is decided"),
    ],
)
def test_what_cannot_be_the_positive_class_is_refused(positive, classes, message):
    with pytest.raises(RecipeError, match=message):
        with_found_classes(Recipe(name="own", positive_class=positive), classes)


def test_a_task_and_data_are_named_once(tmp_path):
    check_named_once("malaria", [tmp_path])
    check_named_once(tmp_path, None)
    with pytest.raises(RecipeError, match="Images are named twice"):
        resolve(tmp_path, [tmp_path], {})


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    ("folder", "name"), [("Zellén 2", "Zellen_2"), ("größer", "gro_er"), ("细胞", "images")]
)
def test_a_recipe_is_named_in_ascii_and_alike_in_both_unicode_forms(tmp_path, form, folder, name):
    place = tmp_path / unicodedata.normalize(form, folder)
    place.mkdir()
    assert recipe_of_images(place).name == name
