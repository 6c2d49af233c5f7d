"""Files that are written whole or not at all, also through a crash or a power cut."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_KEPT = 40  # letters of a file's name in the temporary one, which may be no longer than other names


@contextmanager
def atomic_path(path: Path, *, like: os.stat_result | None = None) -> Iterator[Path]:
    """Give a temporary path next to `path` to write to, and move it there once that succeeded.

    The temporary name ends as `path` does, since some writers go by the ending. The file gets the
    owner, as far as that is allowed, and the permissions of `like`, else those of any new file.
    """
    import tempfile  # not for every start: it loads hash functions and random numbers

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.stem[:_KEPT]}-", suffix=f".tmp{path.suffix}"
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        if like is not None:
            with suppress(OSError, AttributeError):  # Windows has no owners
                os.chown(temporary, like.st_uid, like.st_gid)
        # mkstemp makes files that only their owner reads.
        temporary.chmod(0o666 & ~_umask() if like is None else stat.S_IMODE(like.st_mode))
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut; Windows cannot open folders and needs not."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
