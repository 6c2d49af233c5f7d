"""Spellings of classes: one class may be written in several ways, by case or Unicode form."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from dlmath.data.listing import listed
from dlmath.errors import DataError, did_you_mean
from dlmath.names import composed, folded, look_alikes, told_apart


def spellings(names: Iterable[str]) -> dict[str, str]:
    """Return how each class is spelt, by its folded name: of several the first in the alphabet."""
    return {folded(name): composed(name) for name in sorted(names, reverse=True)}


def merged_classes(labels: Iterable[str]) -> Iterator[str]:
    """Yield a warning for each class that is written in several ways."""
    spellings = defaultdict(list)
    for label in labels:
        spellings[folded(label)].append(label)
    for names in spellings.values():
        if len(names) > 1:
            yield (
                f"One class is written in {len(names)} ways, in case or Unicode form, and taken as "
                f"one: {listed(told_apart(names))}."
            )


def alike_classes(labels: Iterable[str]) -> Iterator[str]:
    """Yield a warning for classes that a reader would take for one, such as `1` and `1.0`."""
    for names in look_alikes(spellings(labels).values()):
        yield (
            f"{len(names)} classes look alike, and count as different: "
            f"{listed(told_apart(names))}. If they are one class, write them alike."
        )


def spelling_of(
    names: Collection[str],
    *,
    empty: Collection[str],
    wanted: Sequence[str],
    where: str,
    fewest: int = 2,
) -> dict[str, str]:
    """Return how each class is spelt, by its folded name.

    Args:
        names: The classes that have images, as written in the data.
        empty: Folders in the place of a class that hold no image.
        wanted: The recipe's classes, whose spelling holds. Empty: as in the data; of several
            spellings the first in the alphabet.
        where: What to call the data in an error.
        fewest: How many classes must have images.

    Raises:
        DataError: There are fewer than `fewest` classes, one that the recipe does not name, or
            one without images.
    """
    spelling = spellings(names)
    recipe = {folded(name): name for name in wanted}
    if recipe:
        _check_known(spelling, recipe, where)
    expected = [n for n in sorted(empty) if not recipe or folded(n) in recipe]
    if without := [name for name in expected if folded(name) not in spelling]:
        raise DataError(
            f"{where} holds class folders without an image: {listed(without)}. "
            "Put images in or delete the folder."
        )
    if len(spelling) < fewest:
        raise DataError(
            f"A classifier needs images of at least two classes. Received: {where} with images "
            f"of only {listed(list(spelling.values()))}. Add images of another class, or name the "
            "folder, zip or CSV that holds them too."
        )
    return recipe or spelling


def _check_known(spelling: dict[str, str], recipe: dict[str, str], where: str) -> None:
    unknown = sorted(name for key, name in spelling.items() if key not in recipe)
    if unknown:
        raise DataError(
            f"{where} holds images of a class that the recipe does not name: {listed(unknown)}."
            f"{did_you_mean(unknown[0], recipe.values())} Received: "
            f"classes={list(recipe.values())}. Rename the folder or move it away."
        )
