"""Shortcuts: predict the class from properties of the file, without the picture.

Where that works, a network may learn the camera, the archive or the clinic instead of the disease,
and nothing in its test score shows it. The chest X-rays of Kermany et al. are such data: their
normal images are files of a median 558 kB, those with pneumonia of 72 kB.
"""

from collections.abc import Sequence

import numpy as np

from dlmath.audit.findings import Finding
from dlmath.audit.image_stats import ImageStats
from dlmath.audit.measurements import columns_of
from dlmath.audit.out_of_fold import best_told, can_be_folded, patient_numbers
from dlmath.data.patients import unit_of
from dlmath.data.sources import ImageRecord
from dlmath.number_text import SENTENCE, estimate_text

# Chance gives 0.5. The room above it is for weak relations that are no artefact, such as sick cells
# being larger, and for the best of a dozen measurements being looked at.
WARNS_ABOVE = 0.65


def check_shortcuts(
    examples: Sequence[ImageRecord], stats: Sequence[ImageStats], classes: Sequence[str]
) -> list[Finding]:
    """Measure how well file size, dimensions, JPEG quality, mode and brightness tell the class.

    Each measurement by itself, and all of them together, predict the class by logistic
    regression, for patients that the model has not seen; of several classes the one that is told
    best from the rest counts. Constant measurements are left out, and so are files with a fault.

    Args:
        examples: The images to check.
        stats: Statistics of the examples, in the same order.
        classes: Class names.

    Returns:
        One finding, with `figures["together"]` and a list `figures["alone"]`, the strongest first:
        name, class, auc, low, high. It warns if the lower end of any of them is above 0.65.
    """
    pairs = [(e, f) for e, f in zip(examples, stats, strict=True) if f.fault is None]
    sound = [example for example, _ in pairs]
    labels = np.array([classes.index(example.label) for example in sound], int)
    present = np.unique(labels)
    groups = patient_numbers(sound)
    if not can_be_folded(labels, groups):
        return [_cannot_tell(len(sound), unit_of(example.patient for example in sound))]
    columns = columns_of([image for _, image in pairs])
    if not columns:
        return [_nothing_varies()]
    labels = np.searchsorted(present, labels)

    def told(name: str, numbers: np.ndarray) -> dict:
        best, found = best_told(numbers, labels, groups)
        interval = {"auc": found.value, "low": found.low, "high": found.high}
        return {"name": name, "class": classes[present[best]], **interval}

    alone = [told(name, numbers) for name, numbers in columns.items()]
    together = told("together", np.column_stack(list(columns.values())))
    alone.sort(key=lambda one: (-one["low"], -one["auc"]))
    unit = unit_of(example.patient for example in sound)
    patients = len(np.unique(groups)) if unit == "patient" else None
    return [_finding(alone, together, len(sound), patients, unit)]


def _finding(
    alone: list[dict], together: dict, images: int, patients: int | None, unit: str
) -> Finding:
    warns = max(alone[0]["low"], together["low"]) > WARNS_ABOVE
    begins = "The class can be told" if warns else "No strong shortcut: the class is told"
    return Finding(
        kind="shortcut",
        severity="warning" if warns else "note",
        message=(
            f"{begins} without a look at the picture only by {alone[0]['name']} with "
            f"{_said(alone[0])} and by all measurements of the files together with "
            f"{_said(together)}, on unseen {unit}s."
        ),
        advice=(
            "Bring all classes to one size, colour mode and compression before training, and trust "
            "no result that is little better than this."
            if warns
            else ""
        ),
        figures={"images": images, "patients": patients, "together": together, "alone": alone},
    )


def _said(one: dict) -> str:
    return f"AUC {estimate_text(one['auc'], one['low'], one['high'], style=SENTENCE)}"


def _cannot_tell(images: int, unit: str) -> Finding:
    return Finding(
        kind="shortcut",
        severity="note",
        message=(
            "Whether the class can be told without a look at the picture cannot be said of "
            f"{images:,} readable images: it takes two classes, each of two {unit}s or more."
        ),
        figures={"images": images},
    )


def _nothing_varies() -> Finding:
    return Finding(
        kind="shortcut",
        severity="note",
        message="No shortcut: size, dimensions, mode and brightness are the same for all files.",
    )
