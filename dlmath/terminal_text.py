"""Text for a terminal: names of files and classes in it cannot move the cursor or set the title.

A name is whatever stands on a disk or in a table, escape characters and all. `visible` and
`one_line` write these out; `quoted` makes a word that can be pasted into a shell.
"""

import os
import re
import shlex

# C0 but tab and line end, DEL and C1; line separators; marks that turn the direction of writing.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]",
)
_CONTROL_OR_LINE_END = re.compile(f"[\t\n]|{_CONTROL.pattern}")
_NO_TEXT = re.compile(f"[\ud800-\udfff]|{_CONTROL_OR_LINE_END.pattern}")
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def visible(text: str) -> str:
    r"""Return a text with its control characters written out, such as `\x1b`; lines are kept."""
    return _CONTROL.sub(_written_out, text)


def one_line(text: str) -> str:
    r"""Return a name as `visible` does, its tabs and line ends written out as well."""
    return _CONTROL_OR_LINE_END.sub(_written_out, text)


def json_visible(document: str) -> str:
    r"""Return a JSON document with the control characters in its texts as `\u009b`."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", document)


def quoted(word: object) -> str:
    r"""Return a word as a POSIX shell reads it: `'Pneumonia (sick)'`.

    Control characters, and bytes of a file's name that are no text, become `$'\x1b'`, as Bash and
    Zsh read them.
    """
    text = str(word)
    if not _NO_TEXT.search(text):
        return shlex.quote(text)
    escaped = text.replace("\\", r"\\").replace("'", r"\'")
    return f"$'{_NO_TEXT.sub(_as_bytes, escaped)}'"


def command(*words: object) -> str:
    """Return a command to type, its words quoted where a shell needs that."""
    return " ".join(map(quoted, words))


def _written_out(found: re.Match[str]) -> str:
    letter = found.group()
    if letter in _SHORT:
        return _SHORT[letter]
    return f"\\x{ord(letter):02x}" if ord(letter) < 0x100 else f"\\u{ord(letter):04x}"


def _as_bytes(found: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(found.group()))
