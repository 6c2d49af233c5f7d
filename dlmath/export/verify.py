"""Proof that an export does what its run does: other process, same images, same answers."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.data.image_headers import read_checked
from dlmath.errors import VerificationError
from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.grad_cam import grad_cam
from dlmath.export.cases import Cases

# Of a heat map, relative to its largest value: TensorFlow and Pillow enlarge it each in float32.
MAP_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Proof:
    """What came of running an export on real images.

    Attributes:
        images: How many.
        by_class: How many of them are of each class.
        tolerance: The largest difference of a probability that is allowed.
        changes_allowed: The largest number of changed decisions, and of changed abstentions.
        largest_difference: Of a probability, by the way in.
        changed_decisions: Images whose class is decided otherwise.
        changed_abstentions: Images that are abstained on otherwise; None without a rule.
        heat_map_difference: The largest of a Grad-CAM map, relative to its largest value; None
            where the export explains nothing.
        images_per_second: From pixels, after a first call, on the CPU.
        megabytes: Of the export's network, 10^6 bytes.
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

    def as_json(self) -> dict[str, Any]:
        """Return the entry `verified` of `exports/manifest.json`."""
        return asdict(self)


def verify(
    model: Path,
    program: str,
    cases: Cases,
    *,
    isolated: bool,
    tolerance: float = 1e-5,
    most_changed: float = 1 / 64,
) -> Proof:
    """Run an export in a fresh process and compare; return what was found, for the record.

    A decision may change where the run's own probability lies within the tolerance of another
    decision, and nowhere else; of decisions and of abstentions only a share may change.

    Args:
        model: The export.
        program: The file beside this one that runs it.
        cases: What it must reproduce.
        isolated: Whether the process may not see dlmath.
        tolerance: Of a probability.
        most_changed: The largest share of the images whose decision, or whose abstention, may
            change; one image may in any case, since a limit can lie right at its probability.

    Raises:
        VerificationError: It fails, or something is off by more than is allowed.
    """
    with tempfile.TemporaryDirectory() as folder:
        _write_cases(cases, Path(folder))
        _run(program, [str(model), folder], isolated=isolated)
        with np.load(Path(folder) / "outputs.npz") as loaded:
            outputs = dict(loaded)
    _check_classes(cases, outputs["classes"])
    probabilities = {
        name.removeprefix("probabilities "): values
        for name, values in outputs.items()
        if name.startswith("probabilities ")
    }
    proof = Proof(
        images=len(cases.files),
        by_class=cases.by_class,
        tolerance=tolerance,
        changes_allowed=max(1, int(most_changed * len(cases.files))),
        largest_difference={
            name: _largest_difference(cases.probabilities, values)
            for name, values in probabilities.items()
        },
        changed_decisions=int(_changed(cases, outputs).sum()),
        changed_abstentions=_changed_abstentions(cases, outputs),
        heat_map_difference=_heat_map_difference(cases, outputs.get("heat_map")),
        images_per_second=len(cases.files) / float(outputs["seconds"]),
        megabytes=megabytes(model),
    )
    _refuse(proof, cases, outputs)
    return proof


def _refuse(proof: Proof, cases: Cases, outputs: Mapping[str, np.ndarray]) -> None:
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
    unexplained = _changed(cases, outputs) & (_margins(cases) > allowed)
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


def _check_classes(cases: Cases, classes: np.ndarray) -> None:
    wanted = cases.classifier.classes
    if not (classes == np.array(wanted)).all():
        raise VerificationError(
            f"The export names its classes {classes[0].tolist()}, and the run {list(wanted)}. "
            "It was not kept."
        )


def _changed(cases: Cases, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return which images are decided otherwise, (N,) bool."""
    return outputs["decision"] != np.array(cases.classifier.classes)[cases.decisions]


def _margins(cases: Cases) -> np.ndarray:
    """Return how far each probability is from where another class would be decided, (N,)."""
    rule = cases.classifier
    if rule.positive_index is None or rule.threshold is None:
        second, first = np.sort(cases.probabilities, axis=1)[:, -2:].T
        return (first - second) / 2  # both may move
    return np.abs(cases.probabilities[:, rule.positive_index] - rule.threshold.value)


def _changed_abstentions(cases: Cases, outputs: Mapping[str, np.ndarray]) -> int | None:
    wanted = cases.abstains
    if wanted is None:
        return None
    if "abstains" not in outputs:
        raise VerificationError("The export never abstains, and the run does. It was not kept.")
    return int((outputs["abstains"] != wanted).sum())


def _heat_map_difference(cases: Cases, found: np.ndarray | None) -> float | None:
    if found is None:
        return None
    parts = ClassifierParts(cases.classifier.model)
    worst = 0.0
    for image, index, values in zip(cases.pixels, cases.decisions, found, strict=True):
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
    """Return the size of an export in 10^6 bytes, without the programs beside its network."""
    files = [model] if model.is_file() else [path for path in model.rglob("*") if path.is_file()]
    # A link is a second name of the same bytes.
    own = {path.resolve() for path in files if path.suffix != ".py"}
    return sum(path.stat().st_size for path in own) / 1e6


def _write_cases(cases: Cases, folder: Path) -> None:
    images = folder / "images"
    images.mkdir()
    for number, file in enumerate(cases.files):
        (images / f"{number:04d}").write_bytes(read_checked(file, str(file)))
    np.save(folder / "pixels.npy", cases.pixels)


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
        # -B: the programs beside an export are run from its folder, and leave no bytecode there.
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
