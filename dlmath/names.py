"""Names of files, classes and patients: how they are compared, and how they are shown.

The same visible name can be stored in several ways: ü is one character on one system and u with
two dots behind it on another, and a spreadsheet makes 3.0 of 3 and 7 of 007.
"""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# What programs write where a value is missing: pandas, R, SQL, Excel.
MISSING = frozenset({"", "nan", "na", "n/a", "#n/a", "<na>", "none", "null"})

_LONGEST = 180  # bytes of a name that becomes part of a longer one

_WITHIN = re.compile(r"(?<=[^\W_])[\s_-]+(?=[^\W_])")
_LEADING_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")


def composed(name: str) -> str:
    """Return a name in Unicode's composed form (NFC), in which ü is one character."""
    return unicodedata.normalize("NFC", name)


def composed_names(names: Sequence[str]) -> list[str]:
    """Return names in Unicode's composed form, except where two of them would become one."""
    changed = [composed(name) for name in names]
    times = Counter(changed)
    return [new if times[new] == 1 else name for name, new in zip(names, changed, strict=True)]


def folded(name: str) -> str:
    """Return what names are compared by where neither case nor Unicode form matters."""
    return composed(composed(name).casefold())


def next_to_numbers(name: str) -> str:
    """Return a class as text that also holds numbers names it: `'1'` where it could be a number."""
    return name if name[:1].isalpha() else repr(name)


def shortened(name: str) -> str:
    """Return a name that leaves room for a time, a number or an ending in the name of a file."""
    while len(os.fsencode(name)) > _LONGEST:  # systems count bytes, and allow 255
        name = name[:-1]
    return name


def is_missing(text: str) -> bool:
    """Return whether a cell of a table stands for no value: blank, NaN, NA, None, null."""
    return text.strip().casefold() in MISSING


def look_alikes(names: Iterable[str]) -> list[list[str]]:
    """Return the groups of different names that are one name to a reader, each sorted.

    Such as `3` and `3.0`, `7` and `007`, `P1` and `p1`, `No Finding` and `no-finding`.
    """
    groups = defaultdict(set)
    for name in names:
        groups[likeness(name)].add(name)
    return sorted(sorted(own) for own in groups.values() if len(own) > 1)


def told_apart(names: Iterable[str]) -> list[str]:
    """Return names in quotation marks, those that would look the same by their characters."""
    names = sorted(set(names))
    times = Counter(map(composed, names))
    return [repr(name) if times[composed(name)] == 1 else ascii(name) for name in names]


def likeness(name: str) -> str:
    """Return what a name looks like, without what a program may have changed in it."""
    text = folded(name).strip(" _\t").rstrip("-")  # a leading dash is a sign: -1 is not 1
    if number := re.fullmatch(r"(-?\d+)\.0*", text):
        text = number[1]
    return _LEADING_ZEROS.sub("", _WITHIN.sub(_joint, text))


def _joint(blanks: re.Match[str]) -> str:
    """Return what separates two parts of a name: 1-2 is not 12, No Finding is NoFinding."""
    before, after = blanks.string[blanks.start() - 1], blanks.string[blanks.end()]
    return " " if before.isdigit() and after.isdigit() else ""


def readable_document(document: Any) -> Any:
    """Return a JSON document with every text as `readable` gives it."""
    if isinstance(document, str):
        return readable(document)
    if isinstance(document, Mapping):
        return {readable_document(key): readable_document(one) for key, one in document.items()}
    if isinstance(document, list | tuple):
        return [readable_document(one) for one in document]
    return document


def readable(text: str) -> str:
    r"""Return text that UTF-8 can hold: bytes of a file's name that are none as `\xf6`.

    Python reads such bytes as characters that UTF-8 does not have.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        kept = text.encode("utf-8", "surrogatepass" if os.name == "nt" else "surrogateescape")
        return kept.decode("utf-8", "backslashreplace")
    return text
