"""Shapes that both phantoms are drawn with: soft edges, smooth noise, capsules. Pure functions."""

import numpy as np
from PIL import Image

# float32 throughout: pictures end as 8 bits, and half the memory traffic is half the time.
Field = np.ndarray  # float32 (H, W)


def edge(signed_distance: Field, softness: float) -> Field:
    """Return 1 inside (negative distance), 0 outside, with a ramp of width `softness`."""
    t = np.clip(0.5 - signed_distance / np.float32(softness), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def length(x: Field, y: Field) -> Field:
    """Return sqrt(x^2 + y^2). Nothing here is near overflow, against which np.hypot guards."""
    return np.sqrt(x * x + y * y)


def dome(distance: Field, radius: float) -> Field:
    """Return the height over a disc of a half sphere of height 1: the thickness of a round body."""
    return np.sqrt(np.clip(1.0 - (distance / np.float32(radius)) ** 2, 0.0, None))


def bump(distance: Field, width: float | Field) -> Field:
    """Return a bell of height 1 around distance 0."""
    return np.exp(-((distance / width) ** 2), dtype=np.float32)


def segment_distance(
    x: Field, y: Field, start: tuple[float, float], end: tuple[float, float]
) -> Field:
    """Return the distance of each point (x, y) from the line between two points."""
    (x0, y0), (x1, y1) = start, end
    along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
    along = np.clip(along, 0.0, 1.0)
    return length(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))


def smooth_noise(
    generator: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int] | int
) -> Field:
    """Return noise of mean near 0 and deviation near 1 that varies over `cells` per side.

    A coarse grid of normal numbers enlarged with a cubic filter: several times faster than
    blurring noise of full size.

    Args:
        generator: Where the numbers come from.
        shape: Height and width in pixels.
        cells: Grid cells along height and width; one number for both.
    """
    rows, columns = (cells, cells) if isinstance(cells, int) else cells
    # Two cells of margin: at the border the cubic filter would only repeat its last cell.
    grid = generator.standard_normal((rows + 4, columns + 4), dtype=np.float32)
    box = (2, 2, 2 + columns, 2 + rows)
    height, width = shape
    large = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC, box=box)
    return np.asarray(large) * np.float32(1.3)
