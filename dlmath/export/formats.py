"""`export`: write a run's classifier in a format, verify it, and then put it in its place."""

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dlmath.data.run_data import RunData
from dlmath.data.splits import Split
from dlmath.errors import RunError, UserError, VerificationError, did_you_mean
from dlmath.export import quantization
from dlmath.export.description import describe
from dlmath.export.litert import QUANTIZATIONS, write_litert
from dlmath.export.onnx import require_onnx, write_onnx
from dlmath.export.saved_model import write_saved_model
from dlmath.export.verification import verify
from dlmath.export.verification_set import gather_verification_set
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.keras_file import write_keras
from dlmath.inference.runtimes import RUNTIMES
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run, read_json, write_json


@dataclass(frozen=True, eq=False)
class ExportInput:
    """A trained classifier and what a format needs to write it.

    Attributes:
        run: The run.
        classifier: The classifier of the run.
        parts: The images of the run.
        metadata: The metadata of the export.
    """

    run: Run
    classifier: KerasClassifier
    parts: Split
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Format:
    """A format of exports.

    Attributes:
        name: Of the file or folder that is written.
        write: Writes the export to a path.
        program: The file of this folder that runs the export in a fresh process.
        needs_dlmath: Whether that process may import dlmath.
        by_graph: Whether it reads image files in TensorFlow operations, not by Pillow.
        tolerance: The largest difference of a probability from the run's.
        most_changed: The largest share of images with another decision, or another abstention.
        require: Called first; raises if a package is missing.
    """

    name: str
    write: Callable[[ExportInput, Path], object]
    program: str
    needs_dlmath: bool = False
    by_graph: bool = False
    tolerance: float = 1e-4  # other kernels add in another order; `light/` is held to it as well
    most_changed: float = 1 / 64
    require: Callable[[], object] = lambda: None


def _write_litert(quantize: str) -> Callable[[ExportInput, Path], object]:
    def write(given: ExportInput, path: Path) -> None:
        calibration = None
        if quantize == "int8":
            size = given.classifier.image_size
            calibration = quantization.calibration_pixels(given.parts, size)
        write_litert(given.classifier, path, given.metadata, quantize, calibration)

    return write


FORMATS = {
    "saved_model": Format(
        name="saved_model",
        write=lambda one, path: write_saved_model(one.classifier, path, one.metadata),
        program="run_saved_model.py",
        by_graph=True,
        tolerance=1e-5,  # the same operations of the same library
    ),
    "keras": Format(
        name="model.keras",
        write=lambda one, path: write_keras(
            one.run.model_path, one.run.recipe, one.classifier, path, one.metadata
        ),
        program="run_keras.py",
        needs_dlmath=True,
        tolerance=1e-5,
    ),
    "litert": Format(name="litert", write=_write_litert("none"), program="run_standalone.py"),
    "onnx": Format(
        name="onnx",
        write=lambda one, path: write_onnx(one.classifier, path, one.metadata),
        program="run_standalone.py",
        require=require_onnx,
    ),
}
# With fewer bits probabilities move. On chest X-rays: with float16, whose weights are off by up to
# 2^-11 of themselves, by 0.03; with 8 bits by 0.145. Of the same run spoilt 8-bit exports are off
# by 0.29 (calibrated on noise), 0.44 (on black images) and 0.49 (nothing corrected; 8 of 64
# decisions changed). Whether what is left of the model is good enough, its accuracy on validation
# says as well, see `quantization`.
_TOLERANCES = {"float16": 0.1, "int8": 0.25}
_MOST_CHANGED = 0.1
MORE_BITS = {"int8": "float16", "float16": "none"}


def find_format(format: str, quantize: str = "none") -> Format:
    """Return a format, or its variant of fewer bits.

    Raises:
        UserError: There is none of that name, or no such variant.
    """
    for name, given, known in (
        ("format", format, tuple(FORMATS)),
        ("quantize", quantize, QUANTIZATIONS),
    ):
        if given not in known:
            raise UserError(
                f"`{name}` must be one of {', '.join(known)}.{did_you_mean(given, known)} "
                f"Received: {name}={given!r}"
            )
    if quantize == "none":
        return FORMATS[format]
    if format != "litert":
        raise UserError(
            "Fewer bits are for LiteRT: pass --format litert, or leave --quantize out. "
            f"Received: format={format!r}, quantize={quantize!r}"
        )
    return replace(
        FORMATS[format],
        name=f"litert_{quantize}",
        write=_write_litert(quantize),
        tolerance=_TOLERANCES[quantize],
        most_changed=_MOST_CHANGED,
    )


def export(
    run: Run | str | Path | None = None,
    format: str = "saved_model",
    out: str | Path | None = None,
    *,
    quantize: str = "none",
    reporter: Reporter = SILENT,
) -> Path:
    """Export the classifier of a run, and return the path of the export.

    The export is verified in a fresh process on images of the run's test part before it takes its
    place; until then an earlier export stays as it was. `manifest.json` next to it records the
    proof.

    Args:
        run: A run, its folder, or its name under `runs/`; None for the newest finished one.
        format: `saved_model` (needs nothing but TensorFlow; from encoded images or from pixels),
            `keras` (for `dlmath.load` or Keras), `litert` or `onnx` (from resized pixels, with the
            reading of images next to them as a program).
        out: The folder to put it in; by default the run's `exports/`.
        quantize: For `litert`: `none`, `float16` or `int8`. The last is calibrated on training
            images; the loss of accuracy of both is measured on the validation part.
        reporter: Receives the progress.

    Raises:
        UserError: The format is unknown, its extra is not installed, the run or its data are not
            there, or `out` holds something else under the export's name.
        VerificationError: The export does not do what the run does.

    Example:
        >>> import dlmath
        >>> dlmath.export("runs/example", "litert").name
        'litert'
    """
    kind = find_format(format, quantize)
    kind.require()
    run = run if isinstance(run, Run) else Run.find(run)
    folder = Path(out) if out is not None else run.exports
    target = folder / kind.name
    _check_target(target, format)
    classifier = KerasClassifier.load(run)
    parts = RunData(run, reporter=reporter).split
    expected = gather_verification_set(
        run, classifier, parts, by_graph=kind.by_graph, reporter=reporter
    )
    given = ExportInput(run, classifier, parts, describe(run, classifier, format))
    with _temporary_folder(folder) as temporary:
        built = Path(temporary) / kind.name
        reporter.say(f"Writing {target}")
        with reporter.quietly():
            kind.write(given, built)
        reporter.say(f"Running it in a fresh process on {len(expected.files)} images of the run")
        with _more_bits_advised(quantize):
            proof = verify(
                built,
                kind.program,
                expected,
                isolated=not kind.needs_dlmath,
                tolerance=kind.tolerance,
                most_changed=kind.most_changed,
            )
            record = {**given.metadata, "quantize": quantize, "verified": proof.as_json()}
            if quantize != "none":
                reporter.say("Measuring its loss of accuracy on the validation part")
                with reporter.quietly():
                    record["validation"] = quantization.measure_loss(parts, classifier, built)
        record["sha256"] = _hashes(built)
        _put(built, target, Path(temporary))
    manifest = folder / "manifest.json"
    earlier = read_json(manifest) if manifest.is_file() else {}
    key = format if quantize == "none" else kind.name
    write_json(manifest, {**earlier, key: {"path": kind.name, **record}})
    return target


@contextlib.contextmanager
def _more_bits_advised(quantize: str) -> Iterator[None]:
    try:
        yield
    except VerificationError as error:
        if quantize not in MORE_BITS:
            raise
        advice = f"Export it with more bits: --quantize {MORE_BITS[quantize]}"
        raise VerificationError(f"{error} {advice}") from error


def _check_target(target: Path, format: str) -> None:
    if target.exists() and not RUNTIMES[format].exported(target):
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
    """Move the new export to its place; should that fail, the earlier one goes back to it.

    Behind a link it is the place that the link leads to, and permissions stay what they were.
    """
    earlier = temporary / "earlier"
    target = Path(os.path.realpath(target))
    if target.exists():
        built.chmod(stat.S_IMODE(target.stat().st_mode))
        shutil.move(target, earlier)  # a link may lead to another disk
    try:
        shutil.move(built, target)
    except OSError:
        if earlier.exists():
            shutil.move(earlier, target)
        raise


def _hashes(built: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of an export by its name inside."""
    links = [path for path in built.rglob("*") if path.is_symlink()]  # second names
    files = sorted(
        path
        for path in built.rglob("*")
        if path.is_file() and not any(link == path or link in path.parents for link in links)
    ) or [built]
    root = built if built.is_dir() else built.parent
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
