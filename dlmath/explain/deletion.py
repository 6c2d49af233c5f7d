r"""Does the network need the pixels that a map points to?

Deletion takes the hottest pixels away first: the sooner the probability falls, the better the map.
Insertion shows them first: the sooner it rises, the better. Both areas lie in 0..1.

Source: Petsiuk, Das, Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models",
BMVC 2018, arXiv:1806.07421, its causal metrics.
"""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.heat_map import HeatMap, random_map
from dlmath.explain.map_metric import MapMetric
from dlmath.seeds import generator

STEPS = 10
RANDOM_MAPS = 4
BLUR = 1 / 16  # of the side: blurs away an opacity's texture, and the ring form in a cell

Curve = Callable[[ClassifierParts, np.ndarray, int, HeatMap, int], np.ndarray]


def deletion_curve(
    parts: ClassifierParts, image: np.ndarray, index: int, heat_map: HeatMap, steps: int = STEPS
) -> np.ndarray:
    """Return the probability of the class on the way from the image to its mean colour.

    Args:
        parts: The classifier.
        image: (S, S, 3) in 0..255.
        index: Of the class.
        heat_map: Of that image and class. Equal values are taken in random order.
        steps: Equal shares of the pixels, in which they are deleted.

    Returns:
        float64 (steps + 1,).
    """
    image = np.asarray(image, np.float32)
    empty = np.broadcast_to(image.mean(axis=(0, 1)), image.shape)
    chosen = _hottest(heat_map.values, steps)[..., None]  # (steps + 1, S, S, 1)
    return parts.probabilities(np.where(chosen, empty, image), index)


def insertion_curve(
    parts: ClassifierParts, image: np.ndarray, index: int, heat_map: HeatMap, steps: int = STEPS
) -> np.ndarray:
    """Return the probability of the class on the way from the blurred image to the image.

    Arguments and result are those of `deletion_curve`.
    """
    image = np.asarray(image, np.float32)
    blur = len(image) * BLUR
    blurred = gaussian_filter(image, (blur, blur, 0))
    chosen = _hottest(heat_map.values, steps)[..., None]
    return parts.probabilities(np.where(chosen, image, blurred), index)


def area(curve: np.ndarray) -> float:
    """Return the area under a curve (steps + 1,) over 0..1, by trapezia."""
    return float((curve[1:] + curve[:-1]).mean() / 2)


def deletion_metric(
    parts: ClassifierParts,
    image: np.ndarray,
    index: int,
    heat_map: HeatMap,
    *,
    steps: int = STEPS,
    random_maps: int = RANDOM_MAPS,
) -> MapMetric:
    """Compare the area of a map with the mean of random maps as coarse as it is."""
    own, random = _areas(deletion_curve, parts, image, index, heat_map, steps, random_maps)
    said = "with the hottest pixels deleted first"
    return MapMetric(
        "deletion",
        own,
        random,
        own < random,
        f"{own:.3f} {said}, {random:.3f} in the order of random maps (lower is better)",
    )


def insertion_metric(
    parts: ClassifierParts, image: np.ndarray, index: int, heat_map: HeatMap
) -> MapMetric:
    """Compare the area of a map with the mean of random maps as coarse as it is."""
    own, random = _areas(insertion_curve, parts, image, index, heat_map, STEPS, RANDOM_MAPS)
    said = "with the hottest pixels inserted first"
    return MapMetric(
        "insertion",
        own,
        random,
        own > random,
        f"{own:.3f} {said}, {random:.3f} in the order of random maps (higher is better)",
    )


def _areas(
    curve: Curve,
    parts: ClassifierParts,
    image: np.ndarray,
    index: int,
    heat_map: HeatMap,
    steps: int,
    random_maps: int,
) -> tuple[float, float]:
    """Return the area of the map, and the mean area of random ones."""
    own = area(curve(parts, image, index, heat_map, steps))
    random = []
    for number in range(random_maps):
        drawn = random_map(heat_map.grain, len(image), generator("random map", number))
        random.append(area(curve(parts, image, index, drawn, steps)))
    return own, float(np.mean(random))


def _hottest(values: np.ndarray, steps: int) -> np.ndarray:
    """Return bool (steps + 1, S, S): the hottest 0, 1/steps, ..., 1 of the pixels."""
    ties = generator("ties").random(values.size)  # else the picture's top would go first
    order = np.lexsort((ties, -values.ravel()))
    rank = np.empty(values.size, np.int64)
    rank[order] = np.arange(values.size)
    limits = np.round(np.linspace(0, values.size, steps + 1))
    return rank.reshape(values.shape) < limits[:, None, None]
