"""The manifest of a run: what produced it, and where its data lie."""

import hashlib
import os
import platform
import shlex
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dlmath._version import __version__
from dlmath.data.sources import data_hash
from dlmath.data.specification import SPECIFICATION
from dlmath.data.splits import split_hash
from dlmath.given_paths import given_path
from dlmath.models.weights_path import WORDS
from dlmath.recipe import Recipe
from dlmath.runs import RUN_VERSION, Run
from dlmath.training.preparation import Prepared

_PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn", "pillow")


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the microsecond so that runs sort by it."""
    return datetime.now(UTC).isoformat()


def first_manifest(
    run: Run,
    prepared: Prepared,
    *,
    device: dict[str, Any],
    threads: dict[str, int],
    command: str,
) -> dict[str, Any]:
    """Return the first manifest of a run that begins now."""
    recipe, dataset, split = prepared.recipe, prepared.dataset, prepared.split
    return {
        "run_version": RUN_VERSION,
        "task": recipe.name,
        "state": "running",
        "command": portable_command(command, run.folder),
        "started": now(),
        "versions": versions(),
        "platform": platform_name(),
        "cpu": cpu_name(),
        "device": device,
        "threads": threads,
        "recipe": recipe.as_dict(),
        "seed": recipe.seed,
        "classes": list(recipe.classes),
        "positive_class": recipe.positive_class or None,
        "preprocessing": SPECIFICATION,
        "data": {
            "sources": [relative_source(source, run.folder) for source in prepared.sources],
            "phantom": dataset.phantom,
            "images": len(dataset.examples),
            "sha256": data_hash(dataset),
            "passed_over": dict(dataset.passed_over),
        },
        "patients": dataset.patients.as_json(),
        "split": {
            "sha256": split_hash(split),
            **{part: len(split.part(part)) for part in ("train", "validation", "test")},
            "left_out": len(split.left_out),
            "train_classes": dict(Counter(example.label for example in split.train)),
        },
        "warnings": prepared.warnings,
        **({"weights_file": digest} if (digest := weights_sha256(recipe)) else {}),
        **({"lineage": dict(prepared.warm_start.provenance)} if prepared.warm_start else {}),
    }


def weights_sha256(recipe: Recipe) -> str | None:
    """Return the SHA-256 of the file of weights that a recipe names; None where it names no file.

    The recipe holds only the path, which may lead to another file on another machine.
    """
    path = given_path(recipe.weights)
    if recipe.weights in WORDS or not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of the packages on which a result depends."""
    packages = {name: version(name) for name in _PACKAGES}
    return {"dlmath": __version__, "python": platform.python_version(), **packages}


def platform_name() -> str:
    """Return the operating system and the type of processor."""
    return f"{platform.system()} {platform.machine()}"


def cpu_name() -> str | None:
    """Return the model of the processor, on which last bits depend; None where it is unknown."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return platform.processor() or None
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, None)


def portable_command(command: str, folder: Path) -> str:
    """Return a command with its absolute paths made relative to the run's folder.

    A run that is passed on then does not show the folders above it.
    """
    return shlex.join(_portable(word, folder) for word in shlex.split(command))


def _portable(word: str, folder: Path) -> str:
    name, equals, value = word.rpartition("=")  # --out=/x, or --set weights=/x
    if Path(value).is_absolute():
        return name + equals + relative_source(value, folder)
    return word


def relative_source(source: str | Path, folder: Path) -> str:
    """Return a source relative to the run's folder, so that both can move together."""
    if str(source).startswith("tfds:"):
        return str(source)
    return Path(os.path.relpath(Path(source).resolve(), folder.resolve())).as_posix()
