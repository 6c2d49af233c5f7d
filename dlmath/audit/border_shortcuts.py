"""Border shortcuts: predict the class from the picture with its middle masked.

Where that works, a network may learn how a picture was framed instead of what it shows, and a
validation part of the same source passes it: its borders give the class away too. The films of
Kermany et al. are such data. Source: Maguolo, Nanni, "A critic evaluation of methods for COVID-19
automatic detection from X-ray images", Information Fusion 2021, arXiv:2004.12823, who blacked out
the middle of films and found networks to score much the same.
"""

from collections.abc import Sequence

import numpy as np

from dlmath.audit.class_prediction import SoundImages
from dlmath.audit.findings import Finding
from dlmath.audit.image_stats import THUMBNAIL, ImageStats
from dlmath.audit.shortcuts import WARNS_ABOVE, auc_text
from dlmath.data.sources import ImageRecord

# Where no region is named: what most films and cells show lies within.
DEFAULT_REGION = (0.7, 0.7)
GRID = 16  # cells a side of the picture with its middle masked
ALONG = 8  # means along each side of the border
_SCALE = 64.0  # grey levels: about their deviation, so that the penalty is that of scaled columns


def check_border(
    examples: Sequence[ImageRecord],
    stats: Sequence[ImageStats],
    classes: Sequence[str],
    region: tuple[float, float] | None = None,
) -> list[Finding]:
    """Measure how well the class is predicted without the middle of the picture.

    Logistic regression, for patients that the model has not seen, on grey thumbnails: from 16 x 16
    means of the picture with the region masked, and from 8 means along each side of the border.

    Args:
        examples: The images to check.
        stats: Statistics of the examples, in the same order; files with a fault are left out.
        classes: Class names.
        region: Width and height, as fractions of the picture, of the region in its middle that the
            label is about; None, or a side of 1, takes 0.7 by 0.7.

    Returns:
        One finding, `border-shortcut`: a warning if the lower end of either AUC is above 0.65, else
        a note. `figures` has images, patients, region (width, height), `masked` and `border`, each
        with class, auc, low, high. None where there are no two classes of two patients.
    """
    images = SoundImages.of(examples, stats, classes)
    if not images.can_be_told:
        return []
    width, height = region if region is not None and max(region) < 1 else DEFAULT_REGION
    thumbnails = np.stack([one.thumbnail for one in images.stats])  # type: ignore[misc]
    thumbnails = thumbnails / np.float32(_SCALE)
    masked = images.predict_class(masked_grid(thumbnails, width, height))
    border = images.predict_class(border_means(thumbnails, width, height))
    figures = {"region": [width, height], "masked": masked, "border": border}
    return [_finding({**images.counts, **figures}, images.unit)]


def masked_grid(thumbnails: np.ndarray, width: float, height: float) -> np.ndarray:
    """Return means of the cells of a 16 x 16 grid that are not wholly masked, (N, D).

    Args:
        thumbnails: (N, 64, 64).
        width: Of the masked region in the middle, as a fraction of the picture.
        height: The same of its height.
    """
    place = np.abs((np.arange(THUMBNAIL) + 0.5) / THUMBNAIL - 0.5)
    outside = ~((place < height / 2)[:, np.newaxis] & (place < width / 2))
    cell = THUMBNAIL // GRID
    pixels = outside.reshape(GRID, cell, GRID, cell).sum(axis=(1, 3)).ravel()
    sums = (thumbnails * outside).reshape(-1, GRID, cell, GRID, cell).sum(axis=(2, 4))
    kept = pixels > 0
    means: np.ndarray = sums.reshape(len(thumbnails), -1)[:, kept] / pixels[kept]
    return means


def border_means(thumbnails: np.ndarray, width: float, height: float) -> np.ndarray:
    """Return 8 means along each of the four strips around the region, (N, 32).

    Args:
        thumbnails: (N, 64, 64).
        width: Of the region in the middle, as a fraction of the picture, below 1.
        height: The same of its height.
    """
    columns, rows = (max(1, int(THUMBNAIL * (1 - side) / 2)) for side in (width, height))
    strips = (
        thumbnails[:, :rows].mean(axis=1),
        thumbnails[:, -rows:].mean(axis=1),
        thumbnails[:, :, :columns].mean(axis=2),
        thumbnails[:, :, -columns:].mean(axis=2),
    )
    coarse = [strip.reshape(len(strip), ALONG, -1).mean(axis=2) for strip in strips]
    return np.column_stack(coarse)


def _finding(figures: dict, unit: str) -> Finding:
    masked, border = figures["masked"], figures["border"]
    warns = max(masked["low"], border["low"]) > WARNS_ABOVE
    width, height = figures["region"]
    begins = "" if warns else "No strong shortcut in the border: "
    still = "With" if warns else "with"
    ends = ": a model can score that much without a look at the middle" if warns else ""
    return Finding(
        kind="border-shortcut",
        severity="warning" if warns else "note",
        message=(
            f"{begins}{still} the middle of the picture masked ({width:g} by {height:g} of it) the "
            f"class is {'still ' if warns else ''}predicted with {auc_text(masked)}, and from "
            f"{4 * ALONG} means along the border with {auc_text(border)}, on unseen {unit}s{ends}."
        ),
        advice=(
            "A good validation score does not say that a model looks at the middle. Name the "
            "region in the recipe and train with border_swap; stress_auc, and dlmath evaluate "
            "--region, say what a model scores when the border is another's."
            if warns
            else ""
        ),
        figures=figures,
    )
