"""Folders that appear whole or not at all, for what the cache holds."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Called as (what is being done, how many are done, of how many).
Progress = Callable[[str, int, int], None]


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target` to fill, and move it there once that succeeded.

    Should another process have made `target` meanwhile, its folder stays and ours is discarded:
    somebody may be reading it already.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:40]}-"))
    try:
        # mkdtemp's folder is closed to other users; one made inside it has the usual permissions.
        folder = temporary / "folder"
        folder.mkdir()
        yield folder
        try:
            folder.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
