"""A field of a recipe is written in one place: a planted one arrives everywhere."""

import dataclasses
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from dlmath.cli.groups import grouped
from dlmath.cli.recipe_options import RecipeOptions
from dlmath.errors import RecipeError, UserError
from dlmath.features import View
from dlmath.recipe import Between, OneOf, Option, Recipe, metadata, setting, settings_of, uses
from dlmath.recipe.toml_text import commented_toml
from dlmath.runs import Run
from dlmath.training.warm_start import Parent


@dataclass(frozen=True, kw_only=True)
class Grown(Recipe):
    """A recipe with two planted fields, and nothing about them written anywhere else."""

    grain: float = setting(
        0.0,
        "Stretch grey values by up to this fraction.",
        Between(0, 0.5),
        section=metadata.AUGMENTATION,
        used_by=uses.AUGMENTING,
        option=Option("Random grain."),
        changes_views=True,
    )
    pooling: str = setting(
        "mean",
        "How features are pooled.",
        OneOf("mean", "max"),
        section="A new heading",
        option=Option(name="pool"),
        fits_weights=True,
    )


@pytest.fixture
def invoke():
    app = typer.Typer(rich_markup_mode=None)

    @app.command()
    @grouped()
    def show(settings: Annotated[dict[str, Any], RecipeOptions(recipe=Grown)]) -> None:
        typer.echo(json.dumps(settings))

    def invoke(*arguments):
        return CliRunner().invoke(app, arguments, terminal_width=120)

    return invoke


def test_it_is_written_read_and_checked():
    grown = Grown(name="x", grain=0.25, pooling="max")

    assert grown.to_toml().endswith('grain = 0.25\npooling = "max"\n')
    assert Grown.from_toml(grown.to_toml()) == grown
    assert Grown.parse_setting("grain=0.1") == ("grain", 0.1)
    with pytest.raises(RecipeError, match=r"`grain` must be at least 0 and at most 0\.5"):
        grown.replace(grain=0.6)
    with pytest.raises(RecipeError, match="`pooling` must be one of mean, max"):
        grown.replace(pooling="min")
    with pytest.raises(RecipeError, match=r"Did you mean 'grain'\? .*brightness.*pooling"):
        grown.replace(grian=0.1)


def test_it_stands_in_its_section_below_its_comment():
    text = commented_toml(Grown(name="x"), "")

    varied = text.split("# --- How training images are varied ---\n")[1].split("# ---")[0]
    assert varied.endswith("# Stretch grey values by up to this fraction.\ngrain = 0.0\n\n")
    assert text.endswith(
        '# --- A new heading ---\n\n# How features are pooled.\npooling = "mean"\n'
    )


def test_it_is_refused_where_nothing_uses_it():
    with pytest.raises(RecipeError, match=r"grain=0\.2.*--set augmented_views=4"):
        Grown(name="x", grain=0.2).check_has_effect(["grain"])
    Grown(name="x", grain=0.2, augmented_views=1).check_has_effect(["grain"])


def test_it_has_an_option(invoke):
    shown = invoke("--help").stdout

    assert re.search(r"--grain <float range> +Random grain\. +\[x>=0\]", shown)
    assert re.search(r"--pool <mean\|max> +How features are pooled\.", shown)
    assert json.loads(invoke("--grain", "0.3", "--pool", "max").stdout) == {
        "grain": 0.3,
        "pooling": "max",
    }
    assert json.loads(invoke("--set", "grain=0.3").stdout) == {"grain": 0.3}
    twice = invoke("--grain", "0.3", "--set", "grain=0.2").exception
    assert isinstance(twice, UserError)
    assert str(twice) == "`grain` is given twice. Leave out one of the two."


def test_the_shell_offers_it_after_set():
    options = RecipeOptions(recipe=Grown)

    assert options.complete_setting("gra") == [
        ("grain=", "Stretch grey values by up to this fraction.")
    ]
    assert [text for text, _ in options.complete_setting("pool")] == ["pooling=mean", "pooling=max"]


def test_it_turns_augmentation_on_and_stands_in_the_key_of_a_view():
    grown = Grown(name="x", grain=0.25)

    assert not grown.replace(grain=0.0).augments
    assert grown.augments
    assert json.loads(View(grown, 1).text)["grain"] == 0.25
    assert View(grown, 1).text != View(grown.replace(grain=0.0), 1).text


def test_what_weights_fit_to_is_kept_by_a_run_that_goes_on(tiny_run):
    class Old(Run):
        recipe = Grown(name=tiny_run.recipe.name)

    with pytest.raises(UserError, match="fit to its own pooling"):
        Parent(Old(tiny_run.folder)).recipe(None, {"pooling": "max"})


def test_a_field_that_says_nothing_is_an_error():
    @dataclass(frozen=True, kw_only=True)
    class Silent(Recipe):
        mute: int = 0

    with pytest.raises(TypeError, match=r"Write mute of Silent as setting\(…\)"):
        Silent(name="x")


def test_every_field_says_what_it_means():
    about = settings_of(Recipe)

    assert list(about) == [spec.name for spec in dataclasses.fields(Recipe)]
    assert all(one.help.endswith(".") for one in about.values())
    assert {one.section for one in about.values()} == set(metadata.SECTIONS)
    # What the weights of a run fit to, as stated when runs could first be gone on from.
    fixed = {name for name in about if about[name].fits_weights}
    assert fixed == {"name", "classes", "backbone", "layers", "weights"}


def test_files_are_written_as_they_always_were():
    """Golden: what was written while comments stood apart from the fields; new fields may come."""
    written = iter(commented_toml(Recipe(name="x"), "Train with: dlmath train").splitlines())

    golden = (Path(__file__).parent / "golden.toml").read_text().splitlines()
    assert [line for line in golden if line not in written] == []  # which reads on, so in order
