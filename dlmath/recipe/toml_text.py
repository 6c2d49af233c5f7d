"""Recipes as TOML: a value, and a file to be edited with a line of help above every field."""

import re
import textwrap
from typing import TYPE_CHECKING, Any

from dlmath.recipe.metadata import SECTIONS, settings_of

if TYPE_CHECKING:
    from dlmath.recipe.recipe import Recipe


def toml(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", escaped) + '"'
    if isinstance(value, list):
        return f"[{', '.join(toml(item) for item in value)}]"
    return repr(value)


def commented_toml(recipe: "Recipe", opening: str) -> str:
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
