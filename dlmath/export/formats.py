"""`export`: write a run's classifier in a format, prove it, and only then put it in its place."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dlmath._version import __version__
from dlmath.data.images import SPECIFICATION
from dlmath.errors import RunError, UserError, did_you_mean
from dlmath.evaluation.classifier import Classifier
from dlmath.export.saved_model import write_saved_model
from dlmath.export.verify import gather_cases, verify
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run, read_json, write_json


@dataclass(frozen=True)
class Format:
    """One way to hand a classifier on.

    Attributes:
        name: Of the file or folder that is written.
        mark: A file inside by which the folder is known as an export; empty for a single file.
        write: Writes a run's classifier to a path.
        program: The file that runs it in a fresh process.
        needs_dlmath: Whether that process may see dlmath.
    """

    name: str
    mark: str
    write: Callable[[Run, Classifier, Path], object]
    program: str
    needs_dlmath: bool


FORMATS = {
    "saved_model": Format(
        name="saved_model",
        mark="saved_model.pb",
        write=lambda run, classifier, path: write_saved_model(classifier, path),
        program="run_saved_model.py",
        needs_dlmath=False,
    ),
    "keras": Format(
        name="model.keras",
        mark="",
        write=lambda run, classifier, path: shutil.copyfile(run.model_path, path),
        program="run_keras.py",
        needs_dlmath=True,
    ),
}


def export(
    run: Run | str | Path | None = None,
    format: str = "saved_model",
    out: str | Path | None = None,
    *,
    reporter: Reporter = SILENT,
) -> Path:
    """Export a run's classifier, and return where it lies.

    It is run in a fresh process on images of the run's test part before it takes its place;
    until then an earlier export stays as it was. `manifest.json` beside it records the proof.

    Args:
        run: A run, its folder, or its name under `runs/`; None for the newest finished one.
        format: `saved_model` (runs with TensorFlow alone, from encoded images or from pixels)
            or `keras` (for `dlmath.load` or Keras).
        out: The folder to put it in; by default the run's `exports/`.
        reporter: Hears of the progress.

    Raises:
        UserError: The format is unknown, the run or its data are not there, or `out` holds
            something else under the export's name.
        VerificationError: The export does not do what the run does.
    """
    if format not in FORMATS:
        raise UserError(
            f"`format` must be one of {', '.join(FORMATS)}.{did_you_mean(format, FORMATS)} "
            f"Received: format={format!r}"
        )
    kind = FORMATS[format]
    run = run if isinstance(run, Run) else Run.find(run)
    folder = Path(out) if out is not None else run.exports
    target = folder / kind.name
    _refuse_foreign(target, kind)
    classifier = Classifier.load(run)
    cases = gather_cases(run, classifier, reporter)
    with _temporary_folder(folder) as temporary:
        built = Path(temporary) / kind.name
        reporter.say(f"Writing {target}")
        kind.write(run, classifier, built)
        reporter.say(f"Running it in a fresh process on {len(cases.files)} images of the run")
        proof = verify(built, kind.program, cases, isolated=not kind.needs_dlmath)
        record = _record(run, classifier, built, proof)
        _put(built, target, Path(temporary))
    manifest = folder / "manifest.json"
    earlier = read_json(manifest) if manifest.is_file() else {}
    write_json(manifest, {**earlier, format: {"path": kind.name, **record}})
    return target


def _refuse_foreign(target: Path, kind: Format) -> None:
    is_ours = (target / kind.mark).is_file() if kind.mark else target.is_file()
    if target.exists() and not is_ours:
        raise RunError(
            f"{target} is there already and is no export of this format. Move it away, or pass "
            "another folder with --out."
        )


def _temporary_folder(folder: Path) -> "tempfile.TemporaryDirectory[str]":
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=folder, prefix=".export-")
    except OSError as error:
        raise RunError(
            f"Cannot write to {folder}: {error.strerror}. Pass another folder with --out."
        ) from error


def _put(built: Path, target: Path, temporary: Path) -> None:
    """Move the new export to its place; should that fail, the earlier one goes back to it."""
    earlier = temporary / "earlier"
    if target.exists():
        target.rename(earlier)
    try:
        built.rename(target)
    except OSError:
        if earlier.exists():
            earlier.rename(target)
        raise


def _record(run: Run, classifier: Classifier, built: Path, proof: dict[str, Any]) -> dict[str, Any]:
    threshold = classifier.threshold
    return {
        "run": run.name,
        "made": datetime.now(UTC).isoformat(),
        "classes": list(classifier.classes),
        "positive_class": classifier.positive_class,
        "threshold": None if threshold is None else asdict(threshold),
        "image_size": classifier.image_size,
        "preprocessing": SPECIFICATION,
        "verified": proof,
        "sha256": _hashes(built),
        "versions": {
            "dlmath": __version__,
            **{name: version(name) for name in ("keras", "tensorflow")},
        },
    }


def _hashes(built: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of an export by its name inside."""
    files = sorted(path for path in built.rglob("*") if path.is_file()) or [built]
    root = built if built.is_dir() else built.parent
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
