"""Dataset shift: a classifier that tells two sets of images apart shows that they differ.

If test images differ from training images, a result on the test part is lower than on images like
those of the training, or higher by accident. Source: Lopez-Paz, Oquab,
"Revisiting classifier two-sample tests", ICLR 2017, arXiv:1610.06545; Rabanser, Günnemann, Lipton,
"Failing loudly", NeurIPS 2019, arXiv:1810.11953.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.linalg import eigh

from dlmath.audit.findings import Finding
from dlmath.audit.group_differences import differences
from dlmath.audit.image_stats import THUMBNAIL, ImageStats
from dlmath.audit.measurements import columns_of, modes_of, numbers_of
from dlmath.audit.out_of_fold import can_be_folded, out_of_fold_scores, patient_numbers
from dlmath.data.patients import unit_of
from dlmath.data.sources import ImageRecord
from dlmath.number_text import SENTENCE, estimate_text
from dlmath.stats import AucInterval, auc_with_interval

# Chance gives 0.5; weak differences between two fair samples of few patients stay below this.
WARNS_ABOVE = 0.65
COMPONENTS = 20  # of the thumbnails; more would let noise tell small sets apart
GREY_BINS = 16
NAMED, SIGNIFICANT = 3, 0.05  # of the statistics in the message


def check_shift(examples: Sequence[ImageRecord], stats: Sequence[ImageStats]) -> list[Finding]:
    """Tell the test part on disk from the rest, if there is one; see `shift_between`."""
    of_test = np.array([example.part == "test" for example in examples], bool)
    if not of_test.any() or of_test.all():
        return []
    return [_told_apart(examples, stats, of_test, ("the training part", "the test part"))]


def shift_between(
    examples_a: Sequence[ImageRecord],
    stats_a: Sequence[ImageStats],
    examples_b: Sequence[ImageRecord],
    stats_b: Sequence[ImageStats],
    names: tuple[str, str],
) -> Finding:
    """Measure how well a classifier tells two datasets apart, and in which statistics they differ.

    The classifier is logistic regression, out of fold by patient, on the file's measurements (see
    `measurements`), the histogram of grey levels and the first principal components of the
    thumbnails. `differences` compares the measurements one by one.

    Args:
        examples_a: The first set.
        stats_a: Statistics of the first set, in the same order; files with a fault are left out.
        examples_b: The second set; patients of equal name count as the same.
        stats_b: Statistics of the second set, in the same order.
        names: Names of the two sets in messages.

    Returns:
        `shift`: a warning if the lower end of the AUC is above 0.65, else a note. `figures` has
        auc, low, high; `pictures_alone`, the same without the file's measurements; and a list
        `statistics`, those of `differences`.
    """
    of_b = np.repeat([False, True], [len(examples_a), len(examples_b)])
    examples = [  # two sets may use one file name
        replace(example, file=f"{name}/{example.file}")
        for name, own in zip(names, (examples_a, examples_b), strict=True)
        for example in own
    ]
    return _told_apart(examples, [*stats_a, *stats_b], of_b, names)


def _told_apart(
    examples: Sequence[ImageRecord],
    stats: Sequence[ImageStats],
    of_b: np.ndarray,
    names: tuple[str, str],
) -> Finding:
    sound = np.array([one.fault is None for one in stats], bool)
    examples = [example for example, is_sound in zip(examples, sound, strict=True) if is_sound]
    stats = [image for image in stats if image.fault is None]
    of_b, groups = of_b[sound], patient_numbers(examples)
    images = {name: int((of_b == side).sum()) for side, name in enumerate(names)}
    unit = unit_of(example.patient for example in examples)
    if not can_be_folded(of_b, groups):
        return _cannot_tell(images, unit)
    pictures = _pictures(stats)
    found = _area(np.column_stack([*columns_of(stats).values(), pictures]), of_b, groups)
    figures = {
        "images": images,
        "patients_known": any(example.patient is not None for example in examples),
        **_figures(found),
        "pictures_alone": _figures(_area(pictures, of_b, groups)),
        "statistics": differences({**numbers_of(stats), **modes_of(stats)}, of_b, groups),
    }
    return _finding(figures, *names, unit)


def _finding(figures: dict[str, Any], first: str, second: str, unit: str) -> Finding:
    warns = figures["low"] > WARNS_ABOVE
    area = estimate_text(figures["auc"], figures["low"], figures["high"], style=SENTENCE)
    differ = [_named(one) for one in figures["statistics"] if one["p"] < SIGNIFICANT][:NAMED]
    return Finding(
        kind="shift",
        severity="warning" if warns else "note",
        message=(
            f"A classifier tells {second} from {first} with AUC {area} on unseen {unit}s"
            + (f"; they differ most in {', '.join(differ)}." if differ else ".")
        ),
        advice=(
            f"Expect results on {second} to be unlike those on images like {first}, and the best "
            "threshold to be another."
            if warns
            else ""
        ),
        figures=figures,
    )


def _named(one: Mapping[str, Any]) -> str:
    difference = one["difference"]
    return f"{one['name']} ({'always' if difference is None else f'{difference:+.1f} SD'})"


def _cannot_tell(images: dict[str, int], unit: str) -> Finding:
    first, second = images
    return Finding(
        kind="shift",
        severity="note",
        message=(
            f"Whether {second} differs from {first} cannot be said: it takes readable images"
            + (" of two patients on either side." if unit == "patient" else ", two on either side.")
        ),
        figures={"images": images},
    )


def _area(columns: np.ndarray, of_b: np.ndarray, groups: np.ndarray) -> AucInterval:
    return auc_with_interval(
        of_b, out_of_fold_scores(columns, of_b.astype(int), groups)[:, 1], groups
    )


def _figures(found: AucInterval) -> dict[str, float]:
    return {"auc": found.value, "low": found.low, "high": found.high}


def _pictures(stats: Sequence[ImageStats]) -> np.ndarray:
    """Return the columns that describe the pictures themselves, (N, 36)."""
    thumbnails = np.stack([one.thumbnail for one in stats])  # type: ignore[misc]
    return np.column_stack([_histograms(thumbnails), _principal_components(thumbnails)])


def _histograms(thumbnails: np.ndarray) -> np.ndarray:
    """Return the square roots of the shares of the grey levels, (N, 16)."""
    levels = thumbnails.reshape(len(thumbnails), -1) // (256 // GREY_BINS)
    cells = levels + GREY_BINS * np.arange(len(levels))[:, np.newaxis]
    counts = np.bincount(cells.ravel(), minlength=GREY_BINS * len(levels))
    return np.sqrt(counts.reshape(len(levels), GREY_BINS) / levels.shape[1])


def _principal_components(thumbnails: np.ndarray) -> np.ndarray:
    """Return the leading components, (N, 20), of pictures brought to one mean and contrast.

    Brightness is in the histogram already: what is left is where the light and the dark lie.
    Pictures of 16 x 16 show that, and cost a fraction of 64 x 64.
    """
    side = THUMBNAIL // 4
    blocks = thumbnails.reshape(len(thumbnails), side, 4, side, 4)
    flat = blocks.mean(axis=(2, 4), dtype=np.float32).reshape(len(thumbnails), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= flat.std(axis=1, keepdims=True) + 1  # a level: a blank picture has no contrast
    flat -= flat.mean(axis=0)
    _, directions = eigh(flat.T @ flat, subset_by_index=(side**2 - COMPONENTS, side**2 - 1))
    return flat @ directions
