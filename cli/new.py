"""`dlmath new`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dlmath.cli.groups import grouped
from dlmath.cli.output import ERR, OUT
from dlmath.cli.own_images import ask_what_is_missing, show_summary
from dlmath.cli.recipe_options import RecipeOptions
from dlmath.errors import RecipeError
from dlmath.output_files import write_output
from dlmath.terminal_text import command


@grouped()
def new(
    name: Annotated[str, typer.Argument(help="Of the task, and of the folder that is made.")],
    data: Annotated[
        list[str],
        typer.Option(
            help="Your images: a folder of class folders, a zip of one, or a CSV. May be repeated.",
            metavar="PATH",
        ),
    ],
    settings: Annotated[
        dict[str, Any], RecipeOptions("positive_class", "patient_rules", "columns")
    ],
) -> None:
    """Write a recipe of your own, with a comment on every field.

    It is NAME/recipe.toml.

    Example: dlmath new skin --data ./my_images --positive melanoma
    """
    from dlmath.models.own_images import recipe_of_images, with_found_classes
    from dlmath.recipe.toml_text import commented_toml

    path = Path(name) / "recipe.toml"
    if path.exists():
        raise RecipeError(f"{path} exists. Take another name, or move it away.")
    seen = show_summary(data, settings)
    settings = ask_what_is_missing(seen, settings, data)
    settings.setdefault("patient_rules", seen.patients.rules)
    recipe = with_found_classes(recipe_of_images(Path(name)).replace(**settings), seen.classes)
    where = [word for source in data for word in ("--data", source)]
    next_command = command("dlmath", "train", path, *where)
    write_output(path, commented_toml(recipe, f"Train with: {next_command}"), "NAME")
    ERR.line(f"Edit it if you like, then: {next_command}")
    OUT.line(str(path))
