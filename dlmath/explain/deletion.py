r"""Does the network need the pixels that a map points to?

Deletion takes the hottest pixels away first: the sooner the probability falls, the better the map.
Insertion shows them first: the sooner it rises, the better. Both areas lie in 0..1.

Source: Petsiuk, Das, Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models",
BMVC 2018, arXiv:1806.07421, its causal metrics.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.figure import Figure
from dlmath.explain.heat_map import HeatMap, random_map
from dlmath.seeds import generator

STEPS = 10
RANDOM_MAPS = 4
BLUR = 1 / 16  # of the side: blurs away an opacity's texture, and the ring form in a cell


@dataclass(frozen=True, eq=False)
class Curves:
    """The probability of the class along the way, float64 (steps + 1,) each.

    Attributes:
        deletion: From the image to its mean colour.
        insertion: From the blurred image to the image.
    """

    deletion: np.ndarray
    insertion: np.ndarray

    @property
    def deletion_area(self) -> float:
        """The area under the deletion curve, in 0..1; small is good."""
        return _area(self.deletion)

    @property
    def insertion_area(self) -> float:
        """The area under the insertion curve, in 0..1; large is good."""
        return _area(self.insertion)


def curves(
    parts: ClassifierParts, image: np.ndarray, index: int, heat_map: HeatMap, steps: int = STEPS
) -> Curves:
    """Return the deletion and insertion curves of a map.

    Args:
        parts: The classifier.
        image: (S, S, 3) in 0..255.
        index: Of the class.
        heat_map: Of that image and class. Equal values are taken in random order.
        steps: Equal shares of the pixels, in which they are deleted or inserted.
    """
    image = np.asarray(image, np.float32)
    empty = np.broadcast_to(image.mean(axis=(0, 1)), image.shape)
    side = len(image)
    blurred = gaussian_filter(image, (side * BLUR, side * BLUR, 0))
    chosen = _hottest(heat_map.values, steps)  # (steps + 1, S, S)
    deleted = np.where(chosen[..., None], empty, image)
    inserted = np.where(chosen[..., None], image, blurred)
    return Curves(parts.probabilities(deleted, index), parts.probabilities(inserted, index))


def deletion_figures(
    parts: ClassifierParts,
    image: np.ndarray,
    index: int,
    heat_map: HeatMap,
    random_maps: int = RANDOM_MAPS,
) -> tuple[Figure, Figure]:
    """Compare both areas of a map with the mean of random maps as coarse as it is."""
    own = curves(parts, image, index, heat_map)
    random = []
    for number in range(random_maps):
        drawn = random_map(heat_map.grain, len(image), generator("random map", number))
        random.append(curves(parts, image, index, drawn))
    deletion = float(np.mean([one.deletion_area for one in random]))
    insertion = float(np.mean([one.insertion_area for one in random]))
    return (
        Figure(
            "deletion",
            own.deletion_area,
            deletion,
            own.deletion_area < deletion,
            f"{own.deletion_area:.3f} with the hottest pixels deleted first, {deletion:.3f} in "
            "the order of random maps (lower is better)",
        ),
        Figure(
            "insertion",
            own.insertion_area,
            insertion,
            own.insertion_area > insertion,
            f"{own.insertion_area:.3f} with the hottest pixels inserted first, {insertion:.3f} in "
            "the order of random maps (higher is better)",
        ),
    )


def _hottest(values: np.ndarray, steps: int) -> np.ndarray:
    """Return bool (steps + 1, S, S): the hottest 0, 1/steps, ..., 1 of the pixels."""
    ties = generator("ties").random(values.size)  # else the picture's top would go first
    order = np.lexsort((ties, -values.ravel()))
    rank = np.empty(values.size, np.int64)
    rank[order] = np.arange(values.size)
    limits = np.round(np.linspace(0, values.size, steps + 1))
    return rank.reshape(values.shape) < limits[:, None, None]


def _area(curve: np.ndarray) -> float:
    return float((curve[1:] + curve[:-1]).mean() / 2)
