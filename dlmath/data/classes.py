"""Class names: those of folders matched with those of a recipe, upper and lower case alike."""

from collections.abc import Collection, Sequence

from dlmath.data.listing import listed
from dlmath.errors import DataError, did_you_mean


def spelling_of(
    names: Collection[str], *, empty: Collection[str], wanted: Sequence[str], where: str
) -> dict[str, str]:
    """Return how each class is spelt, by its name in lower case.

    Args:
        names: The classes that have images, as written in the data.
        empty: Folders in the place of a class that hold no image.
        wanted: The recipe's classes, whose spelling holds. Empty: as in the data; of several
            spellings the first in the alphabet.
        where: What to call the data in an error.

    Raises:
        DataError: There are fewer than two classes, one that the recipe does not name, or one
            without images.
    """
    spelling = {name.casefold(): name for name in sorted(names, reverse=True)}
    recipe = {name.casefold(): name for name in wanted}
    if recipe:
        _check_known(spelling, recipe, where)
    expected = [n for n in sorted(empty) if not recipe or n.casefold() in recipe]
    if without := [name for name in expected if name.casefold() not in spelling]:
        raise DataError(
            f"{where} holds class folders without a JPEG or PNG image: {listed(without)}. "
            "Put images in or delete the folder."
        )
    if len(spelling) < 2:
        raise DataError(
            f"A classifier needs images of at least two classes. Received: {where} with images "
            f"of {listed(list(spelling.values()))} alone. Pass the folder above with --data."
        )
    return recipe or spelling


def _check_known(spelling: dict[str, str], recipe: dict[str, str], where: str) -> None:
    unknown = sorted(name for folded, name in spelling.items() if folded not in recipe)
    if unknown:
        raise DataError(
            f"{where} holds images of a class that the recipe does not name: {listed(unknown)}."
            f"{did_you_mean(unknown[0], recipe.values())} Received: "
            f"classes={list(recipe.values())}. Rename the folder or move it away."
        )
