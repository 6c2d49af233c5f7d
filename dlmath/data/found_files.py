"""What became of the files of sources, in words: found by format, and left out by what they are."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from dlmath.data.image_formats import format_of_file, has_foreign_name
from dlmath.data.listing import counted
from dlmath.reporting import Reporter

# What else is passed over is named in the plural, as `dlmath.data.class_folders` counts it.
_SINGULAR = {
    "dead links": "dead link",
    "dotfiles": "dotfile",
    "folders inside class folders": "folder inside a class folder",
    "folders next to the parts": "folder next to the parts",
    "folders that repeat the class folders": "folder that repeats the class folders",
    "linked or deep folders": "linked or deep folder",
    "hidden files and folders": "hidden file or folder",
    "images outside class folders": "image outside class folders",
}
_BY_ENDING = re.compile(r"\*(\..*)?")  # how files are counted that were passed over: *.txt


def count_formats(paths: Iterable[Path]) -> Counter[str]:
    """Return how many files are of each format, by their first bytes."""
    return Counter(format_of_file(path) or "unreadable" for path in paths)


def found_line(formats: Mapping[str, int]) -> str:
    """Return in words how many images there are of each format."""
    ordered = sorted(formats.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{number:,} {name}" for name, number in ordered)
    return f"Found {counted(sum(formats.values()), 'image')}: {named}."


def left_out_line(passed_over: Mapping[str, int]) -> str | None:
    """Return what was not taken for images and why; None where everything was.

    Args:
        passed_over: Numbers by what was passed over, as `SourceContents` counts it.
    """
    if not passed_over:
        return None
    ordered = sorted(passed_over.items(), key=lambda item: (-item[1], item[0]))
    return f"Left out: {', '.join(_said(what, number) for what, number in ordered)}."


def say_found(paths: Iterable[Path], passed_over: Mapping[str, int], reporter: Reporter) -> None:
    """Report what was found by format, and what was left out and why, a line each."""
    reporter.say(found_line(count_formats(paths)))
    if left_out := left_out_line(passed_over):
        reporter.say(left_out)


def _said(what: str, number: int) -> str:
    if not _BY_ENDING.fullmatch(what):
        return f"{number:,} {_SINGULAR.get(what, what) if number == 1 else what}"
    ending = what.removeprefix("*")
    named = f"{counted(number, 'file')} {what if ending else 'without an ending'}"
    if has_foreign_name(f"x{ending}"):
        return f"{named} (an image format that is not read: convert them to PNG)"
    return f"{named} (no images)"
