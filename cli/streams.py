"""Standard streams as they may be: closed, of a narrow encoding, on a full disk."""

import codecs
import errno
import os
import sys

from dlmath.names import readable

_HANDLER = "dlmath.readable"
# What dlmath itself writes that a narrow encoding such as cp1252 or ASCII may lack.
_PLAIN = {
    "…": "...",
    "→": "->",
    "←": "<-",
    "·": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "—": "-",
    "≥": ">=",
    "≤": "<=",
    "≈": "~",
    "±": "+-",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)


def prepare_streams() -> None:
    """Open what is closed, and let every text be written, whatever the encoding.

    In the place of a closed stream stands the null device: the next file that is opened would get
    its number, and native code would write its messages there.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_HANDLER)


def is_utf8() -> bool:
    """Return whether stdout takes every character."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return codecs.lookup(encoding).name == "utf-8"


def is_full(error: OSError) -> bool:
    """Return whether an error says that there is no room left, on a disk or for a user."""
    return error.errno in _FULL


def is_refused(error: OSError) -> bool:
    """Return whether the system does not let this user have a place, which the error names."""
    return error.errno in _REFUSED and error.filename is not None


def silence_stdout() -> None:
    """Give up what could not be written to stdout, which Python would try again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that an encoding lacks, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    texts = (_plain(character) for character in error.object[error.start : error.end])
    return "".join(texts), error.end


def _plain(character: str) -> str:
    shown = _PLAIN.get(character, readable(character))
    return shown.encode("ascii", "backslashreplace").decode()


codecs.register_error(_HANDLER, _replaced)
