"""The version of the rules by which files of other formats become PNG: a hash of their code.

A cache of pixels or features is found by the hash of the file, which stays the same when a file is
read otherwise. JPEG and 8-bit PNG files are read by `SPECIFICATION`, which is changed by hand. The
rules for DICOM, TIFF and deep images are many, so their version is derived from what they are.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

from .specification import SPECIFICATION

_RULES = ("conversion", "dicom_pixels")  # what turns other formats into PNG
_HERE = Path(__file__).parent


@cache
def reading_version() -> str:
    """Return a text that changes whenever a pixel of any file could come out otherwise."""
    digest = hashlib.sha256()
    for name, source in sorted(rule_sources().items()):
        digest.update(f"{name}\n{without_comments(source)}\n".encode())
    return f"{SPECIFICATION} {digest.hexdigest()[:16]}"


def rule_sources() -> dict[str, str]:
    """Return the source of each module of the rules, and of those that they import from here."""
    found: dict[str, str] = {}
    wanted = list(_RULES)
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = (_HERE / f"{name}.py").read_text(encoding="utf-8")
            wanted += _imported_from_here(found[name])
    return found


def without_comments(source: str) -> str:
    """Return Python source in one form, without comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            has_docstring = ast.get_docstring(node) is not None
            node.body[:1] = [ast.Pass()] if has_docstring else node.body[:1]
    return ast.unparse(tree)


def _imported_from_here(source: str) -> list[str]:
    nodes = ast.walk(ast.parse(source))
    names = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 1]
    return [name for name in names if name is not None]
