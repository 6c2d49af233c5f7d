"""A recipe as a file to be edited: every field below a line that says what it does."""

import textwrap

from dlmath.recipe.recipe import Recipe
from dlmath.recipe.sections import SECTIONS
from dlmath.recipe.setting import settings_of


def commented_toml(recipe: Recipe, opening: str) -> str:
    """Return the recipe as TOML, each field below a comment on it.

    Args:
        recipe: What to write.
        opening: Lines for the top of the file, without comment signs.
    """
    written = dict(line.split(" = ", 1) for line in recipe.to_toml().splitlines())
    sections: dict[str, list[str]] = {heading: [] for heading in SECTIONS}
    for name, about in settings_of(type(recipe)).items():
        lines = sections.setdefault(about.section, [])
        lines.append(f"{_comment(about.help)}{name} = {written[name]}\n")
    blocks = ["".join(_comment(line) for line in opening.splitlines())]
    blocks += [
        "\n".join([f"# --- {heading} ---\n", *fields]) for heading, fields in sections.items()
    ]
    return "\n".join(blocks)


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, 98, break_on_hyphens=False))
