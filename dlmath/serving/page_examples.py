"""Examples for the page: phantoms, drawn when the server starts and kept in memory.

Nobody's images are shipped. Phantoms show how the page answers and say nothing about real images;
one shows what the model was not made for, so that abstaining can be seen.
"""

import base64
import io
from collections.abc import Callable
from html import escape
from typing import NamedTuple

import numpy as np
from PIL import Image

from dlmath.seeds import generator
from dlmath.serving.page_asked import Asked

_FILM_SIZE, _CELL_SIZE = 224, 132  # pixels a side
_DIFFICULTY = 0.2  # plainer than those that are trained on: they show how the page answers


class Example(NamedTuple):
    """A drawn image that a visitor may choose.

    Attributes:
        label: What was drawn.
        asked: The image.
    """

    label: str
    asked: Asked


def draw_examples(task: str) -> list[Example]:
    """Draw the examples of a task; none where the task has no phantom. Always the same."""
    films = [
        _drawn("chest X-ray without a finding", _draw_film, 0, False),
        _drawn("chest X-ray with opacities", _draw_film, 1, True),
        _drawn("another with opacities", _draw_film, 2, True),
    ]
    cells = [
        _drawn("blood cell without a parasite", _draw_cell, 3, False),
        _drawn("blood cell with parasites", _draw_cell, 4, True),
        _drawn("another with parasites", _draw_cell, 5, True),
    ]
    wanted = {"pneumonia": [*films, cells[0]], "malaria": [*cells, films[0]]}
    return wanted.get(task, [])


def example_button(example: Example, number: int) -> str:
    """Return a button with the example's picture; the page's script sends its number."""
    picture = base64.b64encode(example.asked.content).decode()
    return (
        f'<li><button type="button" class="dl-example" data-number="{number}">'
        f'<img alt="" src="data:image/png;base64,{picture}"><span>{escape(example.label)}</span>'
        "</button></li>"
    )


def _drawn(label: str, draw: Callable[[int, bool], np.ndarray], seed: int, ill: bool) -> Example:
    buffer = io.BytesIO()
    Image.fromarray(draw(seed, ill)).save(buffer, "PNG")
    return Example(label, Asked(f"Drawn: {label}", buffer.getvalue()))


def _draw_film(seed: int, ill: bool) -> np.ndarray:
    from dlmath.data.phantom_xray import Opacity, draw_chest_xray  # loads SciPy

    random = generator(seed, "example")
    opacity: Opacity | None = "bacteria" if ill else None
    return draw_chest_xray(random, opacity=opacity, difficulty=_DIFFICULTY, size=_FILM_SIZE)[0]


def _draw_cell(seed: int, ill: bool) -> np.ndarray:
    from dlmath.data.phantom_cells import draw_cell

    random = generator(seed, "example")
    return draw_cell(random, parasitized=ill, difficulty=_DIFFICULTY, size=_CELL_SIZE)[0]
