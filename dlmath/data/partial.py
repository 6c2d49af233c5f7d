"""A file that is being fetched: the bytes so far, and a note of the file that they begin."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from dlmath.runs import write_json


@dataclass(frozen=True)
class Note:
    """The file on the server, with what tells it from another file at the same address."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    total: int | None = None  # bytes
    complete: bool = False

    @property
    def validator(self) -> str | None:
        """The value for If-Range: a weak entity tag does not promise equal bytes (RFC 9110)."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified or None


class Partial:
    """The two files of a download, which outlive the process.

    Args:
        path: The file of the bytes; the note lies next to it.
    """

    def __init__(self, path: Path):
        self.path = path
        self._note_path = path.with_name(path.name + ".json")

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return self.path.stat().st_size if self.path.exists() else 0

    def is_complete(self, url: str) -> bool:
        """Return whether all of the file at `url` is there."""
        note = self._note()
        return note is not None and note.url == url and note.complete and self.path.exists()

    def range_headers(self, url: str) -> Mapping[str, str]:
        """Return the headers that ask for the rest, or none where that cannot be done safely."""
        note = self._note()
        if not self.size or note is None or note.url != url or note.validator is None:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": note.validator}

    def restart(self, note: Note) -> None:
        """Begin again with another file."""
        # In this order: bytes without their note are fetched again, with a wrong one mixed up.
        self.discard()
        self.path.touch()
        write_json(self._note_path, asdict(note))

    def appending(self) -> BinaryIO:
        """Open the file to add bytes at its end."""
        return self.path.open("ab")

    def note_complete(self) -> None:
        """Note that the last byte has arrived."""
        if note := self._note():
            write_json(self._note_path, asdict(replace(note, complete=True)))

    def discard(self) -> None:
        """Remove both files."""
        self.path.unlink(missing_ok=True)
        self._note_path.unlink(missing_ok=True)

    def _note(self) -> Note | None:
        try:
            return Note(**json.loads(self._note_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):  # a damaged note is as good as none
            return None
