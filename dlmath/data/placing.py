"""Folders of the cache: each appears whole or not at all, and the old ones make room."""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dlmath.data.listing import counted
from dlmath.errors import DataError

CACHE_LIMIT = 64 * 2**30  # bytes below one folder of the cache
_IN_USE = 24 * 60 * 60  # seconds after its last use in which a folder is not removed


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder next to `target` to fill, and move it there once that succeeded.

    Behind a link it is the place that the link leads to. An empty folder that is there gives way,
    and leaves its permissions. Should another process have made `target` meanwhile, its folder
    stays and ours is discarded: it may be in use already.
    """
    target = Path(os.path.realpath(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:40]}-"))
    try:
        # mkdtemp's folder is closed to other users; one made inside it has the usual permissions.
        folder = temporary / "folder"
        folder.mkdir()
        yield folder
        try:
            if target.is_dir() and not any(target.iterdir()):
                folder.chmod(stat.S_IMODE(target.stat().st_mode))
                target.rmdir()  # Windows does not rename onto an empty folder
            folder.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def clear_place(out: Path) -> None:
    """Check that a folder can be made at `out`; an empty one there is taken away for it.

    Raises:
        DataError: Something is there, or it cannot be written to.
    """
    try:
        occupied = next(out.iterdir(), None) if out.exists() else None
        if occupied is None and out.exists():
            out.rmdir()  # Windows does not rename onto an empty folder
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"Cannot write to {out}: {error.strerror}. Pass another --out.") from error
    if occupied is not None:
        raise DataError(
            f"The folder to write must be absent or empty, and {out} holds {occupied.name}. "
            "Pass another with --out."
        )


def make_room(root: Path, needed: int, limit: int = CACHE_LIMIT) -> None:
    """Remove the folders in `root` unused for longest until `needed` more bytes are below `limit`.

    What was used within a day stays, as a run may be reading it. Use is marked by `touch`.

    Raises:
        DataError: The disk has less than `needed` bytes free after that.
    """
    root.mkdir(parents=True, exist_ok=True)
    sizes = {folder: _size(folder) for folder in root.iterdir() if folder.is_dir()}
    excess = sum(sizes.values()) + needed - limit
    for folder in sorted(sizes, key=lambda folder: folder.stat().st_mtime):
        if excess <= 0 or time.time() - folder.stat().st_mtime < _IN_USE:
            break
        shutil.rmtree(folder, ignore_errors=True)
        excess -= sizes[folder]
    require_space(root, needed)


def require_space(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk has no room for.

    Raises:
        DataError: The disk of `folder` has less than `needed` bytes free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"The data need {size_text(needed)} in {folder}, where {size_text(free)} are free. "
            "Make room, or set DLMATH_HOME to a folder on a larger disk."
        )


def size_text(size: float) -> str:
    """Return a number of bytes as `1.2 GiB`, `34 MiB` or `5 bytes`."""
    if size < 2**20:
        return counted(round(size), "byte")
    if size < 2**30:
        return f"{size / 2**20:,.0f} MiB"
    return f"{size / 2**30:,.1f} GiB"


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))
