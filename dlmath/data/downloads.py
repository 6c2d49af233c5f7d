"""Get an official archive, check it, and place its images where training finds them.

All of it may be interrupted at any point: what was fetched is kept for the same command to go on
with, and the data appear as a whole or not at all.
"""

import hashlib
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from dlmath.data.archives import UnfitArchive, unpack_into
from dlmath.data.class_folders import read_tree
from dlmath.data.locks import held
from dlmath.data.official import official_archive
from dlmath.data.partial import Partial
from dlmath.data.placing import atomic_folder, require_space
from dlmath.data.transfer import MEBIBYTE, Patience, fetch, report, require_address
from dlmath.errors import DataError, Stopped
from dlmath.given_paths import given_path
from dlmath.models.task import OfficialArchive
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import cache_home, write_json, write_text

SOURCE = "SOURCE.json"  # next to the images: what they came from; nothing is placed without it


def download(
    task: str,
    *,
    out: Path | None = None,
    mirror: str | None = None,
    archive: Path | None = None,
    patience: Patience | None = None,
    reporter: Reporter = SILENT,
) -> Path:
    """Place the images of a task's official archive in a folder, and return the folder.

    `LICENSE.txt`, `CITATION.txt` and `SOURCE.json` lie next to them. A folder that holds them
    already is left as it is, and nothing is fetched.

    Args:
        task: Its name, such as malaria.
        out: A folder, absent or empty; by default one that training looks into.
        mirror: Another address of the same archive.
        archive: The archive itself, already at hand; nothing is fetched, and it stays as it is.
        patience: How often to try again after a server failed, and when.
        reporter: Receives the progress.

    Raises:
        DataError: The archive cannot be fetched, is another one, or there is no room for it.
        Stopped: Ctrl-C was pressed; what was fetched is kept.
    """
    official = official_archive(task)
    target = given_path(out) if out else cache_home() / "data" / task
    try:
        with _working_folder(target, f"downloading {task}") as work:
            if _is_placed(target, official):
                reporter.say(f"{target} holds the images of {official.file} already.")
            elif archive is not None:
                _place(task, official, given_path(archive), str(archive), target, reporter)
            else:
                url = mirror or official.url
                _fetch_and_place(
                    task, official, url, target, work, patience or Patience(), reporter
                )
    except KeyboardInterrupt as interrupt:
        raise Stopped(
            f"Stopped. What is downloaded of {official.file} is kept: the same command goes on.",
            signal.SIGINT,
        ) from interrupt
    return target


@contextmanager
def _working_folder(target: Path, what: str) -> Iterator[Path]:
    """Give the folder next to `target` for what is under way, to one process at a time."""
    work = target.with_name(f".{target.name}.download")
    lock = work / "lock"
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"Cannot write next to {target}: {error.strerror}.") from error
    with held(lock, what):
        try:
            yield work
        finally:
            if [path.name for path in work.iterdir()] == [lock.name]:  # nothing to go on with
                with suppress(OSError):  # Windows removes no file that is open
                    lock.unlink()
                    work.rmdir()


def _is_placed(target: Path, official: OfficialArchive) -> bool:
    if (target / SOURCE).is_file() and _images(target) == official.images:
        return True
    is_empty = target.is_dir() and not any(target.iterdir())
    if target.exists() and not is_empty:
        raise DataError(
            f"{target} is not empty, and does not hold the {sum(official.images.values()):,} "
            f"images of {official.file}. Move it away, or pass another folder with --out DIR"
        )
    return False


def _fetch_and_place(
    task: str,
    official: OfficialArchive,
    url: str,
    target: Path,
    work: Path,
    patience: Patience,
    reporter: Reporter,
) -> None:
    require_address(url)
    partial = Partial(work / official.file)
    # The archive and what it unpacks to, which is about as large.
    require_space(work, 2 * official.about - partial.size)
    rest = "" if not partial.size else f", from {partial.size / MEBIBYTE:,.0f} MiB on"
    reporter.say(f"Downloading {url}{rest}: about {official.about / MEBIBYTE:,.0f} MiB in all.")
    try:
        # Where the size is not known, an archive that grew to twice of it is another one too.
        max_bytes = official.size or 2 * official.about
        fetch(url, partial, max_bytes=max_bytes, patience=patience, reporter=reporter)
    except OSError as error:
        raise DataError(
            f"Cannot write {partial.path}: {error.strerror}. What is there is kept: make room, and "
            "the same command goes on."
        ) from error
    except DataError as error:
        raise DataError(
            f"{error} Or fetch it from {official.page} with a browser and pass --archive FILE, or "
            "pass another address with --mirror URL"
        ) from error
    try:
        _place(task, official, partial.path, url, target, reporter)
    except UnfitArchive as error:
        partial.discard()
        raise UnfitArchive(f"{error} What was downloaded is deleted.") from error
    partial.discard()


def _place(
    task: str,
    official: OfficialArchive,
    archive: Path,
    origin: str,
    target: Path,
    reporter: Reporter,
) -> None:
    """Check an archive and unpack it to `target`, with its licence next to the images."""
    size, sha256 = _measured(archive, reporter)
    _require_known(official, origin, size, sha256)
    with atomic_folder(target) as folder:
        unpack_into(archive, folder, reporter=reporter)
        _require_images(official, origin, folder)
        write_text(folder / "LICENSE.txt", _licence(official))
        write_text(folder / "CITATION.txt", official.citation + "\n")
        source = {
            "task": task,
            "file": official.file,
            "from": origin,
            "bytes": size,
            "sha256": sha256,
            "sha256_was_known": official.sha256 is not None,
            "placed": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_json(folder / SOURCE, source)
    reporter.say(f"{_licence(official)}\nPlease cite:\n{official.citation}\n")


def _licence(official: OfficialArchive) -> str:
    return f"{official.file}, from {official.page}\nLicence: {official.licence}\n"


def _measured(archive: Path, reporter: Reporter) -> tuple[int, str]:
    """Return the size in bytes and the sha256 of a file."""
    digest, done = hashlib.sha256(), 0
    try:
        total = archive.stat().st_size
        with archive.open("rb") as file:
            while block := file.read(MEBIBYTE):
                digest.update(block)
                done += len(block)
                report(reporter, "checking", done, total)
    except OSError as error:
        raise DataError(f"Cannot read {archive}: {error.strerror}.") from error
    return done, digest.hexdigest()


def _require_known(official: OfficialArchive, origin: str, size: int, sha256: str) -> None:
    if official.size not in (None, size) or official.sha256 not in (None, sha256):
        raise UnfitArchive(
            f"{origin} is not {official.file} as it was published: expected {official.size:,} "
            f"bytes with the sha256 {official.sha256}. Received: {size:,} bytes, {sha256}. To use "
            "another archive as it is, pass it to training with --data FILE."
        )


def _require_images(official: OfficialArchive, origin: str, folder: Path) -> None:
    images = _images(folder)
    if images != official.images:
        raise UnfitArchive(
            f"{origin} does not hold the images of {official.file}: expected "
            f"{_counts(official.images)}. Received: {_counts(images)}. To use another archive as "
            "it is, pass it to training with --data FILE."
        )


def _images(folder: Path) -> dict[str, int]:
    return dict(Counter(found.label for found in read_tree(folder).files))


def _counts(images: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in images.items()) or "none"
