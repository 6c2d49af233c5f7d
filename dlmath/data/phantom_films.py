"""The phantoms of pneumonia: chest X-rays as JPEG, about 400 of 260 patients."""

from typing import cast

import numpy as np

from dlmath.data.phantom_drawing import Drawing, encode
from dlmath.data.phantom_plan import Planned, plan_films
from dlmath.data.phantom_xray import Anatomy, Opacity, draw_chest_xray
from dlmath.seeds import generator

JPEG_QUALITIES = (80, 96)  # drawn, so that a file's size says little about its texture


def _draw(
    seed: int, picture: Planned, difficulty: float, image_size: int
) -> tuple[bytes, np.ndarray]:
    random = generator(seed, "phantom", picture.file)
    pixels, truth = draw_chest_xray(
        random,
        opacity=cast("Opacity | None", picture.finding),
        difficulty=difficulty,
        size=image_size,
        anatomy=Anatomy.draw(generator(seed, "phantom", picture.patient)),
    )
    return encode(pixels, "JPEG", quality=int(random.integers(*JPEG_QUALITIES))), truth


DRAWING = Drawing(plan_films, _draw, patients=260)
