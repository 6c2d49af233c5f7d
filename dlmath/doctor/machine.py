"""Checks of the machine: versions, devices, memory, disk, caches and the data at hand."""

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from dlmath._version import __version__
from dlmath.data.listing import counted, listed
from dlmath.data.locate import data_at_hand
from dlmath.data.placing import size_text
from dlmath.doctor.verdict import Verdict, ok, warning
from dlmath.models import RECIPES
from dlmath.runs import RUNS, cache_home

LEAST_MEMORY = 4 * 2**30  # bytes: EfficientNetB0 with a batch of 32 takes about 3 GiB
LEAST_DISK = 2 * 2**30
SHOWN = ("tensorflow", "keras", "numpy", "pillow", "scikit-learn", "ai-edge-litert")


def versions() -> Verdict:
    """Say which versions are installed, and whether they are those that dlmath was made for."""
    found = ", ".join(f"{name} {_version(name) or 'missing'}" for name in SHOWN)
    said = f"dlmath {__version__}, Python {platform.python_version()}, {found}"
    unmet = sorted(_unmet())
    if unmet:
        return warning(f"{said}. Not met: {listed(unmet)}.", "Run: pip install --upgrade dlmath")
    return ok(said)


def devices() -> Verdict:
    """Say what computes, and with how many threads."""
    import tensorflow as tf

    cores = os.cpu_count() or 1
    gpus = tf.config.list_physical_devices("GPU")
    threads = tf.config.threading.get_intra_op_parallelism_threads() or cores
    said = f"{counted(cores, 'core')}, {counted(threads, 'thread')}, {counted(len(gpus), 'GPU')}"
    if not gpus and shutil.which("nvidia-smi"):
        return warning(
            f"{said}: there is a driver for a GPU, and TensorFlow finds none.",
            "Run: pip install 'dlmath[gpu]'",
        )
    return ok(said)


def memory() -> Verdict:
    """Say how much memory there is, and how much of it is free."""
    free, whole = _memory()
    if whole is None:
        return ok("How much memory there is cannot be told on this system.")
    said = f"{size_text(whole)}" + (f", {size_text(free)} of it free" if free is not None else "")
    if (whole if free is None else free) < LEAST_MEMORY:
        return warning(
            f"{said}; a training of EfficientNetB0 takes about 3 GiB.",
            "Close other programs, or take a smaller batch: --batch-size 8",
        )
    return ok(said)


def disk() -> Verdict:
    """Say how much room there is for runs and for the cache."""
    rooms = {"runs": RUNS, "the cache": cache_home()}
    free = {name: shutil.disk_usage(_existing(path)).free for name, path in rooms.items()}
    said = ", ".join(f"{size_text(size)} free for {name}" for name, size in free.items())
    if min(free.values()) < LEAST_DISK:
        return warning(said, "Make room, or set DLMATH_HOME to a folder on a larger disk.")
    return ok(said)


def caches() -> Verdict:
    """Say what the cache holds."""
    home = cache_home()
    if not home.is_dir():
        return ok("There is no cache yet.")
    sizes = {folder.name: _bytes_in(folder) for folder in sorted(home.iterdir()) if folder.is_dir()}
    parts = ", ".join(f"{name} {size_text(size)}" for name, size in sizes.items() if size)
    return ok(f"{size_text(sum(sizes.values()))} in all" + (f": {parts}" if parts else ""))


def _bytes_in(folder: str | Path) -> int:
    # Not by pathlib, which takes many times as long for the ten thousands of images of a cache.
    with os.scandir(folder) as entries:
        return sum(
            _bytes_in(entry.path)
            if entry.is_dir(follow_symlinks=False)
            else entry.stat(follow_symlinks=False).st_size
            for entry in entries
        )


def data() -> Verdict:
    """Say of which tasks there are data."""
    found = {name: data_at_hand(name) for name in RECIPES}
    there = [name for name, path in found.items() if path is not None]
    lacking = [name for name, path in found.items() if path is None]
    if not there:
        return ok(
            f"No data of {listed(lacking)} where dlmath looks; --data PATH names others, "
            "--data phantom draws some."
        )
    gone = f"; none of {listed(lacking)}" if lacking else ""
    return ok(f"Data of {listed(there)}{gone}")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _unmet() -> Iterator[str]:
    """Give the requirements of dlmath's own, extras aside, that what is installed does not meet."""
    try:
        from packaging.requirements import Requirement

        wanted = [Requirement(text) for text in requires("dlmath") or []]
    except (ImportError, PackageNotFoundError):  # a bare checkout
        return
    for requirement in wanted:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = _version(requirement.name)
        if found is None or not requirement.specifier.contains(found, prereleases=True):
            yield f"{requirement} (found: {found})"


def _memory() -> tuple[int | None, int | None]:
    """Return free and whole memory in bytes, None for what this system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        return sizes.get("MemAvailable"), sizes.get("MemTotal")
    except (OSError, ValueError, IndexError):
        pass
    try:
        return None, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):  # Windows has none of these
        return None, None


def _existing(path: Path) -> Path:
    """Return the nearest folder above that exists: what is not there yet will lie on its disk."""
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return path
