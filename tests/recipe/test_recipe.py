import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import RecipeError
from dlmath.recipe import Recipe

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def recipe(**changes):
    return Recipe(name="test", **changes)


def test_toml_names_every_field():
    text = recipe().to_toml()
    assert [line.split(" = ")[0] for line in text.splitlines()] == [
        spec.name for spec in dataclasses.fields(Recipe)
    ]


@given(
    weights=TEXT,
    classes=st.lists(TEXT.filter(bool), min_size=2, max_size=4, unique_by=str.casefold),
    learning_rate=st.floats(1e-12, 100),
    mixup=st.floats(0, 100),
    seed=st.integers(0, 2**31 - 1),
    flip=st.booleans(),
)
def test_toml_gives_the_recipe_back(weights, classes, learning_rate, mixup, seed, flip):
    original = recipe(
        weights=weights,
        classes=tuple(classes),
        learning_rate=learning_rate,
        mixup=mixup,
        seed=seed,
        flip_vertical=flip,
    )
    assert Recipe.from_toml(original.to_toml()) == original


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": -1}, "`epochs` must be at least 1"),
        ({"epochs": 2.5}, "`epochs` must be a whole number"),
        ({"epochs": True}, "`epochs` must be a whole number"),
        ({"epochs": "3"}, "`epochs` must be a whole number"),
        ({"learning_rate": 0}, "`learning_rate` must be above 0"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be above 0"),
        ({"mixup": float("inf")}, "`mixup` must be at least 0 and at most 100"),
        ({"flip_vertical": 1}, "`flip_vertical` must be true or false"),
        ({"classes": "NORMAL"}, "`classes` must be a list of texts"),
        ({"classes": ["NORMAL"]}, "at least two classes"),
        ({"classes": ["normal", "NORMAL"]}, "upper and lower case"),
        ({"classes": ["a", "b"], "positive_class": "c"}, "`positive_class` must be one of"),
        ({"tune": "haed"}, "Did you mean 'head'?"),
        ({"patient_rules": [r"person\d+"]}, r"\(\?P<patient>…\)"),
        ({"patient_rules": ["("]}, "regular expressions"),
        ({"weight_decay": 0.1}, "adamw"),
        ({"epoch": 3}, "Did you mean 'epochs'?"),
        ({"name": "../up"}, "`name` must begin"),
    ],
)
def test_a_bad_value_is_refused_by_name(changes, message):
    with pytest.raises(RecipeError, match=message):
        recipe().replace(**changes)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("epochs=3", ("epochs", 3)),
        ("mixup = 0.4", ("mixup", 0.4)),
        ("schedule=constant", ("schedule", "constant")),
        ("schedule='constant'", ("schedule", "constant")),
        ("positive_class=1", ("positive_class", "1")),
        ("flip_vertical=true", ("flip_vertical", True)),
        ("classes=['a', 'b']", ("classes", ["a", "b"])),
        ("epochs=three", ("epochs", "three")),
    ],
)
def test_a_setting_is_written_as_in_toml(setting, expected):
    assert Recipe.parse_setting(setting) == expected


@pytest.mark.parametrize("setting", ["epochs", "=3", "epoch=3"])
def test_a_setting_without_a_field_is_refused(setting):
    with pytest.raises(RecipeError):
        Recipe.parse_setting(setting)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "not valid TOML"),
        ("epochs = 3", "`name` is missing"),
        ("name = 'x'\nbatchsize = 3", "Did you mean 'batch_size'?"),
        ("name = 'x'\nrecipe_version = 99", "`recipe_version` must be"),
    ],
)
def test_a_bad_file_is_named(tmp_path, text, message):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message) as refused:
        Recipe.read(path)
    assert str(path) in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"absent\.toml"):
        Recipe.read(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("name", "rule", "accepted"),
    [
        ("threshold_target", "youden", False),
        ("threshold_target", "costs", False),
        ("threshold_target", "sensitivity", True),
        ("threshold_target", "specificity", True),
        ("miss_cost", "sensitivity", False),
        ("miss_cost", "costs", True),
    ],
)
def test_what_belongs_to_another_threshold_rule_is_refused(name, rule, accepted):
    changed = recipe(threshold_rule=rule)
    if accepted:
        changed.check_has_effect([name])
        return
    with pytest.raises(RecipeError, match=f"`{name}` belongs to another threshold rule"):
        changed.check_has_effect([name])


def test_an_older_recipe_is_read_by_the_earlier_name_of_a_field():
    older = recipe(in_distribution_share=0.8).to_toml().replace("in_distribution", "usual")

    assert "usual_share = 0.8" in older
    assert Recipe.from_toml(older).in_distribution_share == 0.8
    assert Recipe.parse_setting("usual_share=0.8") == ("in_distribution_share", 0.8)


def test_a_field_under_both_names_is_refused():
    both = recipe().to_toml() + "usual_share = 0.8\n"

    with pytest.raises(RecipeError, match="`usual_share` is the earlier name of"):
        Recipe.from_toml(both)
