"""The heat map that every method of explanation returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

BRIGHTEST = 99.5  # percentile that is drawn as the full colour: one pixel must not dim the others


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A map of the evidence for a class in an image, by one method.

    Attributes:
        values: float32 (S, S), in the coordinates of the image as the model sees it. Positive
            values speak for the class. Those of Grad-CAM and Grad-CAM++ are never negative.
        grain: How many values a side the method really has: S, or fewer that were enlarged.
        metrics: What the method found out about itself while it ran.
    """

    values: np.ndarray
    grain: int
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def heat(self) -> np.ndarray:
        """The evidence for the class, float32 (S, S) in 0..1; all 0 where there is none."""
        positive = np.maximum(self.values, 0)
        top = np.percentile(positive, BRIGHTEST) or positive.max()
        return np.clip(positive / top, 0, 1) if top > 0 else positive

    @property
    def is_empty(self) -> bool:
        """Return whether no place stands out: no evidence for the class, or the same everywhere."""
        positive = np.maximum(self.values, 0)
        return bool(np.ptp(positive) <= 1e-6 * positive.max(initial=0))


def enlarge(values: np.ndarray, size: int) -> np.ndarray:
    """Enlarge a map (h, w) to float32 (size, size), bilinear."""
    picture = Image.fromarray(np.asarray(values, np.float32))
    return np.array(picture.resize((size, size), Image.Resampling.BILINEAR))


def random_map(grain: int, size: int, generator: np.random.Generator) -> HeatMap:
    """Draw a map that knows nothing, as coarse as the one that it is compared with.

    A coarse map keeps or deletes whole regions. Independent pixels would be no match for it: what
    they delete is everywhere, and destroys every texture.
    """
    coarse = generator.random((grain, grain), np.float32)
    return HeatMap(coarse if grain == size else enlarge(coarse, size), grain)
