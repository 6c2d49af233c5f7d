"""The recipe for somebody's own images: an offline backbone under a head that is solved exactly.

Expected: 500 images in under two minutes on two cores, EfficientNet-Lite0's ImageNet weights being
installed with dlmath. What a folder does not say, which class is the positive one, is asked for;
whose images they are is guessed from the names, and the guess is said.

    dlmath train ./my_images --positive ill
"""

import shlex
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from dlmath.errors import RecipeError
from dlmath.given_paths import given_path
from dlmath.models.recipes import RECIPES
from dlmath.names import folded
from dlmath.recipe import Recipe
from dlmath.recipe.table_columns import ENDINGS as TABLES
from dlmath.runs import Run
from dlmath.terminal_text import command, quoted

_ENDINGS = (".zip", *TABLES)


def is_own_images(task: str | Path) -> bool:
    """Return whether a TASK is not a task's name but the place of one's own images."""
    if str(task) in RECIPES:
        return False
    path = given_path(task)
    return path.is_dir() or (path.is_file() and path.suffix.lower() in _ENDINGS)


def check_named_once(task: str | Path, data: Sequence[str | Path] | None) -> None:
    """Refuse further data next to own images in the place of a task: one of them would be ignored.

    Raises:
        RecipeError: Both are named; says how to train on them together.
    """
    if not data or not is_own_images(task):
        return
    both = shlex.join(
        ["--data", str(task), *(word for one in data for word in ("--data", str(one)))]
    )
    raise RecipeError(
        f"Images are named twice: {task} in the place of TASK, and {', '.join(map(str, data))} "
        "with --data. Leave one of them out. To train on both together, leave out TASK with --from "
        f"RUN {both}, or write a recipe: dlmath new NAME {both}"
    )


def recipe_of_images(path: Path) -> Recipe:
    """Return the recipe for the images at `path`, named after it; classes are as found on disk."""
    plain = unicodedata.normalize("NFKD", given_path(path).resolve().stem)  # é: e and an accent
    written = (c for c in plain if not unicodedata.combining(c))
    letters = [c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in written]
    return Recipe(
        name="".join(letters).lstrip("._-") or "images",
        class_weights="balanced",
        learning_rate=1e-2,
        backbone_rate=0.01,
        epochs=10,
    )


def train_command(run: Run, *options: str) -> str:
    """Return the command that trains on the data of a run again, with these options."""
    if run.recipe.name in RECIPES:
        return command("dlmath", "train", run.recipe.name, *options)
    data = [word for source in run.sources for word in ("--data", source)]
    return command("dlmath", "train", run.recipe_path, *data, *options)


def with_found_classes(recipe: Recipe, classes: Sequence[str]) -> Recipe:
    """Return the recipe with the classes found on disk, where it names none of its own.

    Raises:
        RecipeError: There are two and neither is named as the positive one, or more than two and
            one is; or the one named is not there.
    """
    if not recipe.classes:
        wanted = folded(recipe.positive_class)
        spelt = next((name for name in classes if folded(name) == wanted), recipe.positive_class)
        recipe = recipe.replace(classes=tuple(classes), positive_class=spelt)
    if recipe.is_binary and not recipe.positive_class:
        first, second = recipe.classes
        raise RecipeError(
            f"Which class is the positive one, {first!r} or {second!r}? Sensitivity and AUC are "
            f"about it. Say so with: --positive {quoted(first)} or --positive {quoted(second)}"
        )
    if recipe.positive_class and not recipe.is_binary:
        raise RecipeError(
            f"A positive class belongs to two classes; of {len(recipe.classes)} the most probable "
            f"is decided. Received: positive_class={recipe.positive_class!r}. Leave it out."
        )
    return recipe
