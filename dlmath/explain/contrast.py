r"""Does a map tell the classes apart?

A map that is the same for another class shows where the network responds at all, not what speaks
for the class. Methods that add up rectified features with weights that are never negative are prone
to it: no weight can cancel a place, whatever the class.

Source: Selvaraju et al., "Grad-CAM", ICCV 2017, arXiv:1610.02391, section 3 (class-discriminative
maps); Lerma, Lucas, "Grad-CAM++ is Equivalent to Grad-CAM With Positive Gradients", 2022,
arXiv:2205.10838.
"""

import numpy as np

from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.heat_map import HeatMap
from dlmath.explain.map_metric import MapMetric
from dlmath.explain.methods import Method
from dlmath.explain.similarity import rank_correlation

LIMIT = 0.5  # rank correlation that the maps of two classes may have


def contrast_metric(
    parts: ClassifierParts, method: Method, image: np.ndarray, index: int, heat_map: HeatMap
) -> MapMetric:
    """Compare a map with that of the class which comes next in probability.

    Args:
        parts: The classifier.
        method: What made the map.
        image: (S, S, 3) in 0..255.
        index: Of the class that the map explains.
        heat_map: Of that image and class.
    """
    others = [other for other in range(parts.classes) if other != index]
    rival = max(others, key=lambda other: parts.log_odds(image[None], other)[0])
    alike = rank_correlation(heat_map.values, method(parts, image, rival).values)
    return MapMetric(
        "contrast",
        alike,
        LIMIT,
        alike <= LIMIT,
        f"rank correlation {alike:.2f} with the map of the class that comes next; at most "
        f"{LIMIT} is a map of this class rather than of every class",
    )
