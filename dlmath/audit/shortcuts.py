"""Shortcuts: predict the class from properties of the file, without the picture.

Where that works, a network may learn the camera, the archive or the clinic instead of the disease,
and nothing in its test score shows it. The chest X-rays of Kermany et al. are such data: their
normal images are files of a median 558 kB, those with pneumonia of 72 kB.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlmath.audit.class_prediction import SoundImages
from dlmath.audit.findings import Finding
from dlmath.audit.image_stats import ImageStats
from dlmath.audit.measurements import columns_of
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
    images = SoundImages.of(examples, stats, classes)
    if not images.can_be_told:
        return [_cannot_tell(len(images.examples), images.unit)]
    columns = columns_of(images.stats)
    if not columns:
        return [_nothing_varies()]
    alone = [{"name": name, **images.predict_class(each)} for name, each in columns.items()]
    every = np.column_stack(list(columns.values()))
    together = {"name": "together", **images.predict_class(every)}
    alone.sort(key=lambda one: (-one["low"], -one["auc"]))
    return [_finding(alone, together, images)]


def _finding(alone: list[dict], together: dict, images: SoundImages) -> Finding:
    warns = max(alone[0]["low"], together["low"]) > WARNS_ABOVE
    begins = "The class can be told" if warns else "No strong shortcut: the class is told"
    return Finding(
        kind="shortcut",
        severity="warning" if warns else "note",
        message=(
            f"{begins} without a look at the picture only by {alone[0]['name']} with "
            f"{auc_text(alone[0])} and by all measurements of the files together with "
            f"{auc_text(together)}, on unseen {images.unit}s."
        ),
        advice=_advice(images.stats) if warns else "",
        figures={**images.counts, "together": together, "alone": alone},
    )


def _advice(stats: Sequence[ImageStats]) -> str:
    """Say what to make equal in all classes; or, where all of it is, what a file's size says."""
    varying: dict[str, set[Any]] = {
        "size": {(one.width, one.height) for one in stats},
        "colour mode": {one.mode for one in stats},
        "compression": {(one.format, one.quality) for one in stats},
    }
    if unequal := [name for name, found in varying.items() if len(found) > 1]:
        return (
            f"Bring all classes to one {' and one '.join(unequal)} before training, and trust no "
            "result that is little better than this."
        )
    return (
        "All files have one size, colour mode and compression already. The size of a file then "
        "says how much detail, noise and contrast the picture holds, and brightness how it was "
        "exposed: that may be the disease, or the camera, the archive or the age of the patients. "
        "See whether the classes come from the same ones, and trust no result that is little "
        "better than this."
    )


def auc_text(one: Mapping[str, Any]) -> str:
    """Return an AUC and its interval in words, of keys auc, low, high."""
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
