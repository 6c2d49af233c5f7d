"""Zip archives, unpacked once into the cache or to where they are wanted.

An archive comes from elsewhere, so nothing in it is trusted: names stay inside the folder, sizes
are bounded before the first byte is written, and a checksum that fails leaves nothing behind.
"""

import hashlib
import re
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dlmath.data.listing import counted, listed
from dlmath.data.placing import Progress, atomic_folder, gigabytes, make_room, require_space
from dlmath.errors import DataError
from dlmath.runs import cache_home

# The largest public set of this kind, NIH's 112,120 chest X-rays, is 45 GB.
MAX_BYTES = 64 * 2**30
MAX_MEMBERS = 500_000

# Names that open a device on Windows, whatever their ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_ENCRYPTED = 0x1


class UnfitArchive(DataError):
    """An archive that cannot be used as it is: damaged, not safe to unpack, or of other files."""


class _Member(NamedTuple):
    info: zipfile.ZipInfo
    name: str  # with forward slashes, safe to append to a folder


def unpack(
    archive: Path,
    *,
    progress: Progress | None = None,
    max_bytes: int = MAX_BYTES,
    max_members: int = MAX_MEMBERS,
) -> Path:
    """Return the folder of the cache that holds the archive's files, unpacking it if need be.

    The folder is found again by the archive's path, size and time of change, and used again if
    each file is still there in its full length.

    Raises:
        UnfitArchive: The archive is damaged, encrypted or too large, or holds a name or a link
            that would leave the folder.
        DataError: It cannot be read, or the disk has too little room.
    """
    with _opened(archive, max_bytes, max_members) as (opened, members):
        folder = _place(archive)
        if _is_whole(folder, members):
            folder.touch()
        else:
            shutil.rmtree(folder, ignore_errors=True)
            make_room(folder.parent, sum(member.info.file_size for member in members))
            with atomic_folder(folder) as temporary:
                _extract(opened, members, temporary, progress)
        return folder


def unpack_into(archive: Path, folder: Path, *, progress: Progress | None = None) -> None:
    """Unpack an archive into `folder`, which is empty.

    Raises:
        UnfitArchive: As for `unpack`.
        DataError: The disk has too little room.
    """
    with _opened(archive, MAX_BYTES, MAX_MEMBERS) as (opened, members):
        require_space(folder, sum(member.info.file_size for member in members))
        _extract(opened, members, folder, progress)


@contextmanager
def _opened(
    archive: Path, max_bytes: int, max_members: int
) -> Iterator[tuple[zipfile.ZipFile, list[_Member]]]:
    """Give the archive and its members, and turn what fails in the block into one message."""
    try:
        with zipfile.ZipFile(archive) as opened:
            yield opened, _checked_members(archive, opened.infolist(), max_bytes, max_members)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise UnfitArchive(
            f"{archive} is damaged or no zip that can be read: {error}. Fetch it again, or unpack "
            "it yourself and pass the folder with --data."
        ) from error
    except OSError as error:
        raise DataError(f"Cannot unpack {archive}: {error}.") from error


def _place(archive: Path) -> Path:
    status = archive.stat()
    key = f"{archive.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    digest = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()
    return cache_home() / "archives" / f"{archive.stem}-{digest[:16]}"


def _is_whole(folder: Path, members: list[_Member]) -> bool:
    try:
        return folder.is_dir() and all(
            (folder / member.name).stat().st_size == member.info.file_size for member in members
        )
    except OSError:
        return False


def _checked_members(
    archive: Path, infos: list[zipfile.ZipInfo], max_bytes: int, max_members: int
) -> list[_Member]:
    members = [_Member(info, info.filename.replace("\\", "/")) for info in infos]
    members = [member for member in members if not member.name.endswith("/")]  # folders
    _refuse(archive, "names that are not safe", [m.name for m in members if not is_safe(m.name)])
    _refuse(archive, "links", [m.name for m in members if stat.S_ISLNK(_mode(m.info))])
    _refuse(archive, "encrypted files", [m.name for m in members if m.info.flag_bits & _ENCRYPTED])
    times = Counter(member.name for member in members)
    _refuse(archive, "names that occur twice", [name for name, n in times.items() if n > 1])
    total = sum(member.info.file_size for member in members)
    if total > max_bytes or len(members) > max_members:
        raise UnfitArchive(
            f"{archive} would unpack to {counted(len(members), 'file')} of {gigabytes(total)}; at "
            f"most {max_members:,} files of {gigabytes(max_bytes)} are unpacked unasked. Unpack "
            "it yourself and pass the folder with --data."
        )
    return members


def is_safe(name: str) -> bool:
    """Whether a name with forward slashes stays inside the folder that it is appended to."""
    # A colon is a drive or a hidden stream on Windows.
    if name.startswith("/") or ":" in name or not name.isprintable():
        return False
    return not any(part in ("", ".", "..") or _DEVICES.match(part) for part in name.split("/"))


def _mode(info: zipfile.ZipInfo) -> int:
    return info.external_attr >> 16


def _refuse(archive: Path, what: str, names: list[str]) -> None:
    if names:
        raise UnfitArchive(
            f"{archive} holds {what}: {listed([repr(name) for name in names])}. "
            "Unpack it yourself, look at it, and pass the folder with --data."
        )


def _extract(
    opened: zipfile.ZipFile, members: list[_Member], folder: Path, progress: Progress | None
) -> None:
    for done, (info, name) in enumerate(members, start=1):
        target = folder / PurePosixPath(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        # zipfile stops at the size that the header states, and checks the CRC there.
        with opened.open(info) as packed, target.open("xb") as unpacked:
            shutil.copyfileobj(packed, unpacked, 1 << 20)
        if progress:
            progress("unpacking", done, len(members))
