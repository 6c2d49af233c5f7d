"""The phantoms of malaria: red blood cells as PNG, 1,000 of 50 patients."""

import numpy as np

from dlmath.data.phantom_cells import Stain, draw_cell
from dlmath.data.phantom_drawing import Drawing, encode
from dlmath.data.phantom_plan import Planned, plan_cells
from dlmath.seeds import generator


def _draw(
    seed: int, picture: Planned, difficulty: float, image_size: int
) -> tuple[bytes, np.ndarray]:
    pixels, truth = draw_cell(
        generator(seed, "phantom", picture.file),
        parasitized=picture.finding is not None,
        difficulty=difficulty,
        stain=Stain.draw(generator(seed, "phantom", picture.patient)),
    )
    # Three times as fast as the default level, for files a tenth larger.
    return encode(pixels, "PNG", compress_level=3), truth


DRAWING = Drawing(plan_cells, _draw, patients=50)
