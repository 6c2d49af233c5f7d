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
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dlmath.data.listing import counted, listed
from dlmath.data.placing import atomic_folder, make_room, require_space, size_text
from dlmath.errors import DataError
from dlmath.names import folded, shortened
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import cache_home, mark_used

# The largest public set of this kind, NIH's 112,120 chest X-rays, is 45 GB.
MAX_BYTES = 64 * 2**30
MAX_MEMBERS = 500_000

# Images are packed already; what shrinks more than this is no set of images. Small ones may.
MAX_RATIO = 100
RATIO_FROM = 256 * 2**20
MAX_DEPTH = 64  # folders inside each other

# Names that open a device on Windows, whatever their ending.
_DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³]) *(\.|$)", re.IGNORECASE
)
_ENCRYPTED = 0x1


class UnfitArchive(DataError):
    """An archive that cannot be used as it is: damaged, not safe to unpack, or of other files."""


class _Member(NamedTuple):
    info: zipfile.ZipInfo
    name: str  # with forward slashes, safe to append to a folder


def unpack(
    archive: Path,
    *,
    reporter: Reporter = SILENT,
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
            mark_used(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            make_room(folder.parent, sum(member.info.file_size for member in members))
            with atomic_folder(folder) as temporary:
                _extract(opened, members, temporary, reporter)
        return folder


def unpack_into(archive: Path, folder: Path, *, reporter: Reporter = SILENT) -> None:
    """Unpack an archive into `folder`, which is empty.

    Raises:
        UnfitArchive: As for `unpack`.
        DataError: The disk has too little room.
    """
    with _opened(archive, MAX_BYTES, MAX_MEMBERS) as (opened, members):
        require_space(folder, sum(member.info.file_size for member in members))
        _extract(opened, members, folder, reporter)


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
    return cache_home() / "archives" / f"{shortened(archive.stem)}-{digest[:16]}"


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
    members = [_Member(info, _plain_name(info.filename)) for info in infos]
    members = [member for member in members if not member.name.endswith("/")]  # folders
    unsafe = [m.name for m in members if not is_safe(m.name) or "\0" in m.info.orig_filename]
    _check_none(archive, "names that are not safe", unsafe)
    special = [m.name for m in members if stat.S_IFMT(_mode(m.info)) not in (0, stat.S_IFREG)]
    _check_none(archive, "links or other special files", special)
    _check_none(
        archive, "encrypted files", [m.name for m in members if m.info.flag_bits & _ENCRYPTED]
    )
    _check_none(archive, "names that are one on some systems", _same_names(members))
    _check_none(archive, "files that lie within each other", _overlapping(members))
    total = sum(member.info.file_size for member in members)
    if total > max_bytes or len(members) > max_members:
        raise UnfitArchive(
            f"{archive} would unpack to {counted(len(members), 'file')} of {size_text(total)}; at "
            f"most {max_members:,} files of {size_text(max_bytes)} are unpacked unasked. Unpack "
            "it yourself and pass the folder with --data."
        )
    packed = sum(member.info.compress_size for member in members)
    if total > RATIO_FROM and total > MAX_RATIO * packed:
        raise UnfitArchive(
            f"{archive} would unpack to {total / max(packed, 1):,.0f} times its size "
            f"({size_text(total)}), as no images do. Unpack it yourself, look at it, and pass the "
            "folder with --data."
        )
    return members


def _plain_name(name: str) -> str:
    """Return a name with forward slashes, as Windows writes none, and without `./` in front."""
    name = name.replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    return name


def _same_names(members: list[_Member]) -> list[str]:
    """Return the files that would take each other's place, or that of a folder.

    Some file systems tell neither case nor composed letters apart, and Windows drops what ends a
    name; `is_safe` has refused the latter.
    """
    names = [folded(member.name) for member in members]
    times = Counter(names)
    folders = {name[:end] for name in names for end in range(len(name)) if name[end] == "/"}
    return [
        member.name
        for member, name in zip(members, names, strict=True)
        if times[name] > 1 or name in folders
    ]


def _overlapping(members: list[_Member]) -> list[str]:
    """Return the files whose packed bytes reach into those of the next.

    A few bytes that stand for many files make the largest of bombs. Source: Fifield, "A better zip
    bomb", WOOT 2019. Python checks it from 3.11.9 on.
    """
    infos = sorted((member.info for member in members), key=lambda info: info.header_offset)
    return [
        info.filename
        for info, following in pairwise(infos)
        if info.header_offset + info.compress_size >= following.header_offset
    ]


def is_safe(name: str) -> bool:
    """Return whether a name with forward slashes stays inside the folder that it is appended to."""
    # A colon is a drive or a hidden stream on Windows.
    if name.startswith("/") or ":" in name or not name.isprintable():
        return False
    parts = name.split("/")
    return len(parts) <= MAX_DEPTH and all(_is_safe_part(part) for part in parts)


def _is_safe_part(part: str) -> bool:
    # Windows drops a dot or a blank at the end, and then finds another file.
    return bool(part) and part[-1] not in ". " and not _DEVICES.match(part)


def _mode(info: zipfile.ZipInfo) -> int:
    return info.external_attr >> 16


def _check_none(archive: Path, what: str, names: list[str]) -> None:
    if names:
        raise UnfitArchive(
            f"{archive} holds {what}: {listed([repr(name) for name in names])}. "
            "Unpack it yourself, look at it, and pass the folder with --data."
        )


def _extract(
    opened: zipfile.ZipFile, members: list[_Member], folder: Path, reporter: Reporter
) -> None:
    for done, (info, name) in enumerate(members, start=1):
        target = folder / PurePosixPath(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        # zipfile stops at the size that the header states, and checks the CRC there.
        with opened.open(info) as packed, target.open("xb") as unpacked:
            shutil.copyfileobj(packed, unpacked, 1 << 20)
        reporter.progress("unpacking", done, len(members))
