"""Verify that an export gives the outputs of its run: another process, the same images."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.data.images import read_checked
from dlmath.errors import VerificationError
from dlmath.explain.class_activation import grad_cam
from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.export.verification_set import VerificationSet

# Of a heat map, relative to its largest value: TensorFlow and Pillow enlarge it each in float32.
MAP_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Proof:
    """The differences between an export and its run on the same images.

    Attributes:
        images: How many.
        by_class: How many of them are of each class; empty for drawn ones.
        tolerance: The largest difference of a probability that is allowed.
        changes_allowed: The largest number of changed decisions, and of changed abstentions.
        largest_difference: Of a probability, by the way in.
        changed_decisions: Images whose class is decided otherwise.
        changed_abstentions: Images that are abstained on otherwise; None without a rule.
        heat_map_difference: The largest of a Grad-CAM map, relative to its largest value; None
            where the export explains nothing.
        images_per_second: From pixels, after a first call, on the CPU.
        megabytes: Of the export's network, 10^6 bytes.
        drawn: Whether the images are drawn, for those of the run were not there.
    """

    images: int
    by_class: dict[str, int]
    tolerance: float
    changes_allowed: int
    largest_difference: dict[str, float]
    changed_decisions: int
    changed_abstentions: int | None
    heat_map_difference: float | None
    images_per_second: float
    megabytes: float
    drawn: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the entry `verified` of `exports/manifest.json`."""
        return asdict(self)


def verify(
    model: Path,
    program: str,
    expected: VerificationSet,
    *,
    isolated: bool,
    tolerance: float = 1e-5,
    most_changed: float = 1 / 64,
) -> Proof:
    """Run an export in a fresh process, compare its outputs with the run's, and return the proof.

    A decision may change where the run's own probability lies within the tolerance of another
    decision, and nowhere else; of decisions and of abstentions only a share may change.

    Args:
        model: The export.
        program: The file of this folder that runs it.
        expected: The images, and the outputs that the export must reproduce.
        isolated: Whether the process must not import dlmath.
        tolerance: Of a probability.
        most_changed: The largest share of the images whose decision, or whose abstention, may
            change; one image may in any case, since a limit can lie right at its probability.

    Raises:
        VerificationError: The export cannot be run, or a difference is larger than allowed.
    """
    with tempfile.TemporaryDirectory() as folder:
        _write_expected(expected, Path(folder))
        _run(program, [str(model), folder], isolated=isolated)
        with np.load(Path(folder) / "outputs.npz") as loaded:
            outputs = dict(loaded)
    _check_classes(expected, outputs["classes"])
    probabilities = {
        name.removeprefix("probabilities "): values
        for name, values in outputs.items()
        if name.startswith("probabilities ")
    }
    proof = Proof(
        images=len(expected.files),
        drawn=expected.drawn,
        by_class=expected.by_class,
        tolerance=tolerance,
        changes_allowed=max(1, int(most_changed * len(expected.files))),
        largest_difference={
            name: _largest_difference(expected.probabilities, values)
            for name, values in probabilities.items()
        },
        changed_decisions=int(_changed(expected, outputs).sum()),
        changed_abstentions=_changed_abstentions(expected, outputs),
        heat_map_difference=_heat_map_difference(expected, outputs.get("heat_map")),
        images_per_second=len(expected.files) / float(outputs["seconds"]),
        megabytes=megabytes(model),
    )
    _check_proof(proof, expected, outputs)
    return proof


def _check_proof(
    proof: Proof, expected: VerificationSet, outputs: Mapping[str, np.ndarray]
) -> None:
    allowed = proof.tolerance
    wrong = {
        name: value for name, value in proof.largest_difference.items() if not value <= allowed
    }
    if wrong:
        raise VerificationError(
            f"The export does not do what the run does: probabilities are off by up to "
            f"{max(wrong.values()):.2g} ({', '.join(wrong)}), and {allowed:g} is allowed. "
            "It was not kept."
        )
    unexplained = _changed(expected, outputs) & (_margins(expected) > allowed)
    if unexplained.any():
        raise VerificationError(
            f"The export decides {unexplained.sum()} of {proof.images} images otherwise than the "
            "run, although their probabilities are the same. It was not kept."
        )
    for changed, what in (
        (proof.changed_decisions, "decides"),
        (proof.changed_abstentions or 0, "abstains on"),
    ):
        if changed > proof.changes_allowed:
            raise VerificationError(
                f"The export {what} {changed} of {proof.images} images otherwise than the run, and "
                f"{proof.changes_allowed} is allowed. It was not kept."
            )
    difference = proof.heat_map_difference
    if difference is not None and not difference <= MAP_TOLERANCE:
        raise VerificationError(
            f"The export explains otherwise than the run: its Grad-CAM is off by {difference:.2g} "
            f"of its largest value, and {MAP_TOLERANCE:g} is allowed. It was not kept."
        )


def _check_classes(expected: VerificationSet, classes: np.ndarray) -> None:
    wanted = expected.classifier.classes
    if not (classes == np.array(wanted)).all():
        raise VerificationError(
            f"The export names its classes {classes[0].tolist()}, and the run {list(wanted)}. "
            "It was not kept."
        )


def _changed(expected: VerificationSet, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return which images are decided otherwise, (N,) bool."""
    return outputs["decision"] != np.array(expected.classifier.classes)[expected.decisions]


def _margins(expected: VerificationSet) -> np.ndarray:
    """Return how far each probability is from where another class would be decided, (N,)."""
    rule = expected.classifier
    if rule.positive_index is None or rule.threshold is None:
        second, first = np.sort(expected.probabilities, axis=1)[:, -2:].T
        return (first - second) / 2  # both may move
    return np.abs(expected.probabilities[:, rule.positive_index] - rule.threshold.value)


def _changed_abstentions(
    expected: VerificationSet, outputs: Mapping[str, np.ndarray]
) -> int | None:
    wanted = expected.abstains
    if wanted is None:
        return None
    if "abstains" not in outputs:
        raise VerificationError("The export never abstains, and the run does. It was not kept.")
    return int((outputs["abstains"] != wanted).sum())


def _heat_map_difference(expected: VerificationSet, found: np.ndarray | None) -> float | None:
    if found is None:
        return None
    parts = ClassifierParts(expected.classifier.model)
    worst = 0.0
    for image, index, values in zip(expected.pixels, expected.decisions, found, strict=True):
        wanted = grad_cam(parts, image, int(index)).values
        # Next to a map of nothing but rounding, rounding is no difference.
        worst = max(worst, _largest_difference(wanted, values) / max(float(wanted.max()), 1e-6))
    return worst


def _largest_difference(wanted: np.ndarray, found: np.ndarray) -> float:
    """Return the largest difference; infinite for NaN or another shape."""
    if found.shape != wanted.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found - wanted).max())


def megabytes(model: Path) -> float:
    """Return the size of an export in 10^6 bytes, without the programs next to its network."""
    files = [model] if model.is_file() else [path for path in model.rglob("*") if path.is_file()]
    # A link is a second name of the same bytes.
    own = {path.resolve() for path in files if path.suffix != ".py"}
    return sum(path.stat().st_size for path in own) / 1e6


def _write_expected(expected: VerificationSet, folder: Path) -> None:
    images = folder / "images"
    images.mkdir()
    for number, file in enumerate(expected.files):
        (images / f"{number:04d}").write_bytes(read_checked(file, str(file)))
    np.save(folder / "pixels.npy", expected.pixels)


def _run(program: str, arguments: Sequence[str], *, isolated: bool) -> None:
    """Run a program of this folder in a fresh Python, on the CPU.

    This process may hold all memory of the GPU, and what is compared are functions, not devices.
    """
    home = Path(__file__).resolve().parent
    # -I: the process sees neither the working folder nor PYTHONPATH. -P: not this folder, whose
    # modules would hide others of their names.
    mode = "-I" if isolated else "-P"
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    if not isolated:
        environment["PYTHONPATH"] = str(home.parents[1])
    result = subprocess.run(
        # -B: the programs of an export are run from its folder, and leave no bytecode there.
        [sys.executable, mode, "-B", str(home / program), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines()
        raise VerificationError(
            f"The export cannot be run in a fresh process: {lines[-1] if lines else 'no reason'} "
            "It was not kept."
        )
