"""Near-duplicates: copies that were re-encoded, resized, brightened, mirrored or cropped."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dlmath.audit.descriptors import has_structure
from dlmath.audit.findings import Finding, single
from dlmath.audit.image_stats import ImageStats
from dlmath.audit.leakage import copy_findings
from dlmath.audit.pair_search import COARSE, find_copies
from dlmath.data.listing import counted
from dlmath.data.sources import ImageRecord
from dlmath.reporting import SILENT, Reporter

# Every image is compared with every other: 20,000 take some minutes, and twice as many four times
# as long.
MOST_IMAGES = 60_000


def check_near_duplicates(
    examples: Sequence[ImageRecord], stats: Sequence[ImageStats], *, reporter: Reporter = SILENT
) -> list[Finding]:
    """Find the images that are edited copies of one another; identical ones are not among them.

    Args:
        examples: The N examples. They are checked by their `part`, as in `check_leakage`.
        stats: Statistics of the examples, from `scan_images`; faulty files are passed over.
        reporter: Receives the progress.
    """
    alike = _alike(examples, stats)
    rows = list(alike)
    if len(rows) > MOST_IMAGES:
        return [_too_many(len(rows))]
    if not rows:
        return []
    thumbnails = np.array([stats[row].thumbnail for row in rows])
    structured = has_structure(thumbnails, COARSE)
    flat = [examples[row].file for row, enough in zip(rows, structured, strict=True) if not enough]
    rows = [row for row, enough in zip(rows, structured, strict=True) if enough]
    pairs = find_copies(thumbnails[structured], reporter.task("comparing"))
    groups = _groups(rows, pairs.first, pairs.second, stats)
    findings = copy_findings(
        [[examples[row] for one in group for row in alike[one]] for group in groups],
        kind="near-duplicates",
        what="images that are nearly the same",
    )
    return [*findings, *([_without_structure(flat)] if flat else [])]


def _alike(examples: Sequence[ImageRecord], stats: Sequence[ImageStats]) -> dict[int, list[int]]:
    """Return rows of sound images, each with the rows that are identical in all that is checked."""
    rows_of = defaultdict(list)
    for row, (example, image) in enumerate(zip(examples, stats, strict=True)):
        if image.thumbnail is not None:
            key = (image.pixel_hash, example.part, example.label, example.patient)
            rows_of[key].append(row)
    return {rows[0]: rows for rows in rows_of.values()}


def _groups(
    rows: Sequence[int], first: np.ndarray, second: np.ndarray, stats: Sequence[ImageStats]
) -> list[list[int]]:
    """Join the pairs that are not identical to groups of rows."""
    edited = [
        stats[rows[one]].pixel_hash != stats[rows[other]].pixel_hash
        for one, other in zip(first, second, strict=True)
    ]
    edges = (np.ones(sum(edited)), (first[edited], second[edited]))
    _, group_of = connected_components(coo_array(edges, shape=(len(rows), len(rows))))
    groups = defaultdict(list)
    for row, group in zip(rows, group_of, strict=True):
        groups[group].append(row)
    return [group for group in groups.values() if len(group) > 1]


def _too_many(number: int) -> Finding:
    return Finding(
        kind="near-duplicates-not-searched",
        severity="note",
        message=f"Edited copies are searched for among at most {MOST_IMAGES:,} images. There are "
        f"{number:,}.",
        advice="Audit the data in pieces. Identical images were looked for among all.",
    )


def _without_structure(files: list[str]) -> Finding:
    return Finding(
        kind="blank",
        severity="note",
        message=f"{counted(len(files), 'image')} show hardly anything: nearly one grey level.",
        advice="Look at them. Edited copies were not searched for among them.",
        groups=single(files),
    )
