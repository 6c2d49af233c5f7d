"""`export`: write a run's classifier in a format, verify it, and then put it in its place."""

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dlmath.data.listing import listed
from dlmath.data.locate import find_data
from dlmath.data.run_data import RunData
from dlmath.data.splits import Split
from dlmath.errors import DataError, RunError, UserError, VerificationError, did_you_mean
from dlmath.export import quantization
from dlmath.export.description import describe
from dlmath.export.litert import QUANTIZATIONS, write_litert
from dlmath.export.onnx import require_onnx, write_onnx
from dlmath.export.saved_model import write_saved_model
from dlmath.export.verification import verify
from dlmath.export.verification_set import (
    VerificationSet,
    draw_verification_set,
    gather_verification_set,
)
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.keras_file import write_keras
from dlmath.inference.runtimes import RUNTIMES
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run, read_json, write_json
from dlmath.terminal_text import quoted


@dataclass(frozen=True, eq=False)
class ExportInput:
    """A trained classifier and what a format needs to write it.

    Attributes:
        run: The run.
        classifier: The classifier of the run.
        parts: The images of the run; None where they are not there.
        metadata: The metadata of the export.
    """

    run: Run
    classifier: KerasClassifier
    parts: Split | None
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
            assert given.parts is not None  # which `_check_measurable` refuses
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
    data: str | Path | Sequence[str | Path] | None = None,
    quantize: str = "none",
    reporter: Reporter = SILENT,
) -> Path:
    """Export the classifier of a run, and return the path of the export.

    The export is verified in a fresh process on images of the run's test part before it takes its
    place; until then an earlier export stays as it was. Where the run's data are not there, as on
    another machine, drawn images are taken, which is said. `manifest.json` next to it records the
    proof.

    Args:
        run: A run, its folder, or its name under `runs/`; None for the newest finished one.
        format: `saved_model` (needs nothing but TensorFlow; from encoded images or from pixels),
            `keras` (for `dlmath.load` or Keras), `litert` or `onnx` (from resized pixels, with the
            reading of images next to them as a program).
        out: The folder to put it in; by default the run's `exports/`.
        data: Where the run's data lie now, if they were moved.
        quantize: For `litert`: `none`, `float16` or `int8`. The last is calibrated on training
            images; the loss of accuracy of both is measured on the validation part.
        reporter: Receives the progress.

    Raises:
        UserError: The format is unknown, its extra is not installed, the run is not there or its
            data are others, fewer bits are asked for and there are no data to measure the loss on,
            or `out` holds something else under the export's name.
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
    own = RunData(run, _sources(run, data), reporter=reporter)
    is_there = data is not None or own.lies_there
    _check_measurable(own, quantize, is_there=is_there)
    parts = own.split if is_there else None
    given = ExportInput(run, classifier, parts, describe(run, classifier, format))
    with (
        _expected(given, kind, reporter) as expected,
        _temporary_folder(folder) as temporary,
    ):
        built = Path(temporary) / kind.name
        reporter.say(f"Writing {target}")
        with reporter.quietly():
            kind.write(given, built)
        kept = "drawn images" if expected.drawn else "images of the run"
        reporter.say(f"Running it in a fresh process on {len(expected.files)} {kept}")
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
            if quantize != "none" and parts is not None:
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


def _sources(
    run: Run, data: str | Path | Sequence[str | Path] | None
) -> Sequence[str | Path] | None:
    if data is None:
        return None
    return find_data(run.recipe.name, [data] if isinstance(data, str | Path) else list(data))


def _check_measurable(own: RunData, quantize: str, *, is_there: bool) -> None:
    """Refuse fewer bits where there are no images to calibrate and to measure the loss on."""
    if quantize != "none" and not is_there:
        raise DataError(
            f"--quantize {quoted(quantize)} is calibrated and measured on the run's own images, "
            f"and there are none at {listed([str(source) for source in own.sources])}. Name them "
            "with --data PATH, or export all bits."
        )


@contextlib.contextmanager
def _expected(given: ExportInput, kind: Format, reporter: Reporter) -> Iterator[VerificationSet]:
    """Give the images to verify on: those of the run, or drawn ones, which lie in a folder."""
    run, classifier = given.run, given.classifier
    if given.parts is not None:
        yield gather_verification_set(
            run, classifier, given.parts, by_graph=kind.by_graph, reporter=reporter
        )
        return
    reporter.say("The images of the run are not there: drawing some to verify on")
    with tempfile.TemporaryDirectory() as folder:
        yield draw_verification_set(run, classifier, Path(folder), by_graph=kind.by_graph)


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
