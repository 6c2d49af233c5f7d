"""Class composition of the images that a metric is of, as counts and as text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlmath.names import next_to_numbers

MANY = 6  # classes, more than which are not named one by one


def class_counts(truth: np.ndarray, classes: Sequence[str]) -> dict[str, int]:
    """Return the number of images of each class, 0 included.

    Args:
        truth: (N,) class indices.
        classes: K names.
    """
    counts = np.bincount(truth, minlength=len(classes))
    return {name: int(count) for name, count in zip(classes, counts, strict=True)}


def counts_text(counts: Mapping[str, int], positive_class: str | None) -> str:
    """Return `7 positive + 38 negative`, or `3 a + 12 b + 4 c` for more than two classes.

    Classes without an image are left out. More than `MANY` are counted:
    `1 to 5 each of 15 classes`.

    Args:
        counts: Images by class.
        positive_class: None for more than two classes.
    """
    if positive_class is not None:
        positive = counts[positive_class]
        counts = {"positive": positive, "negative": sum(counts.values()) - positive}
    present = [count for count in counts.values() if count]
    if len(present) > MANY:
        least, most = min(present), max(present)
        each = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        return f"{each} each of {len(present)} classes"
    return (
        " + ".join(f"{count:,} {next_to_numbers(name)}" for name, count in counts.items() if count)
        or "none"
    )


def composition_of(metrics: Mapping[str, Any]) -> str:
    """Return the composition of an evaluation's images.

    Args:
        metrics: Its document, such as `metrics.json`; the rows of its confusion matrix are truth.
    """
    images = zip(metrics["classes"], map(sum, metrics["confusion"]), strict=True)
    return counts_text(dict(images), metrics["positive_class"])
