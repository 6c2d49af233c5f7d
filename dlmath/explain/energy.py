r"""Energy of a map inside the finding. Only phantoms know where that is.

Source: Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural
Networks", CVPR Workshops 2020, arXiv:1910.01279 (energy-based pointing game).
"""

from pathlib import Path

import numpy as np
from PIL import Image

from dlmath.data.class_folders import PHANTOM_TRUTH
from dlmath.data.phantom_truth import read_truth
from dlmath.explain.heat_map import HeatMap, random_map
from dlmath.explain.map_metric import MapMetric
from dlmath.seeds import generator

RANDOM_MAPS = 100
PASSING = 0.95  # share of the random maps that a map must beat
_FOLDERS = 3  # between a phantom's folder and its pictures, counting the class's own: part/class/


def truth_of(file: Path, size: int) -> np.ndarray | None:
    """Return which share of each pixel is the drawn finding, float32 (size, size) in 0..1.

    None for pictures that are no phantoms, and for phantoms without a finding.

    Raises:
        DataError: The phantom's truth.csv is damaged.
    """
    path = Path(file).resolve()
    for folder in path.parents[:_FOLDERS]:
        if (folder / PHANTOM_TRUTH).is_file():
            truth = read_truth(folder).get(path.relative_to(folder).as_posix())
            return None if truth is None else _resized(truth.mask, size)
    return None


def energy_inside(heat_map: HeatMap, truth: np.ndarray) -> float:
    """Return the share, in 0..1, of what speaks for the class that lies in the finding.

    0 for an empty map: it points nowhere.

    Args:
        heat_map: (S, S).
        truth: (S, S) in 0..1.
    """
    positive = np.maximum(heat_map.values, 0).astype(np.float64)
    total = positive.sum()
    return float((positive * truth).sum() / total) if total > 0 else 0.0


def energy_metric(heat_map: HeatMap, truth: np.ndarray) -> MapMetric:
    """Compare the energy of a map inside the finding with random maps as coarse as it is."""
    own = energy_inside(heat_map, truth)
    random = random_energies(heat_map.grain, truth)
    bar = float(np.quantile(random, PASSING))
    return MapMetric(
        "energy",
        own,
        bar,
        own > bar,
        f"{own:.0%} of the map inside the drawn finding, which covers {truth.mean():.0%} of the "
        f"image; random maps {random.mean():.0%}, {PASSING:.0%} of them below {bar:.0%}",
    )


def random_energies(grain: int, truth: np.ndarray, count: int = RANDOM_MAPS) -> np.ndarray:
    """Return the energy inside the finding of each of `count` random maps, float64 (count,)."""
    size = len(truth)
    return np.array(
        [
            energy_inside(random_map(grain, size, generator("random map", number)), truth)
            for number in range(count)
        ]
    )


def _resized(mask: np.ndarray, size: int) -> np.ndarray:
    picture = Image.fromarray(mask.astype(np.float32))
    return np.array(picture.resize((size, size), Image.Resampling.BOX))
