"""In what pictures differ: the means of what is measured of them, told one by one."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlmath.drift.pictures import NAMES
from dlmath.drift.sketch import Layout

_LEAST_SPREAD = 1e-4  # what rounding leaves of a figure that does not vary


@dataclass(frozen=True)
class PictureMean:
    """A figure of a picture, as it is on average.

    Attributes:
        name: See `dlmath.drift.pictures.NAMES`.
        reference: Its mean over the reference; levels are in 0..1.
        new: Its mean over the new images.
        difference: Of the two, in standard deviations of single images of the reference; None where
            it does not vary there.
    """

    name: str
    reference: float
    new: float
    difference: float | None

    def as_json(self) -> dict[str, Any]:
        """Return it under the names of the JSON document."""
        return {
            "name": self.name,
            "title": NAMES[self.name],
            "reference": self.reference,
            "new": self.new,
            "difference_sd": self.difference,
        }


def picture_means(
    layout: Layout, reference: np.ndarray, new: np.ndarray
) -> tuple[PictureMean, ...]:
    """Return each figure of the pictures, those whose means are farthest apart first.

    Args:
        layout: Of the numbers.
        reference: (F,), means over the reference.
        new: (F,), means over the new images.
    """
    if not layout.pictures:
        return ()
    first, second = np.triu_indices(layout.pictures)
    squares = layout.part(reference, "picture_products")[first == second]
    own, other = (layout.part(means, "pictures") for means in (reference, new))
    spread = np.sqrt(np.maximum(squares - own**2, 0))
    found = [
        PictureMean(name, float(a), float(b), float((b - a) / sd) if sd > _LEAST_SPREAD else None)
        for name, a, b, sd in zip(NAMES, own, other, spread, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: -abs(one.difference or 0)))
