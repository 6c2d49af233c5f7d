"""Explanations of chosen images, ready for a report."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dlmath.explain.explain_files import Explanation, explain_files
from dlmath.runs import Run


class Example(NamedTuple):
    """An explained image.

    Attributes:
        file: As it was given.
        probability: Of the class that was decided, and is explained.
        overlay: A PNG file: the image, the map over it, the figures that were measured.
    """

    file: Path
    probability: float
    overlay: bytes


def explain_examples(
    run: Run | str | Path, files: Sequence[str | Path], method: str = "grad_cam"
) -> list[Example]:
    """Explain what a run decides of a few images, such as its most confident rights and wrongs.

    A file that cannot be read is left out: a report is not lost for an image.

    Args:
        run: A run, its folder, or its name under `runs/`.
        files: PNG or JPEG files.
        method: One of `dlmath.explain.METHODS`.

    Raises:
        UserError: There is no such method, run or file, or the model has no feature map.
    """
    if not files:
        return []
    return [
        Example(found.file, found.probability, found.overlay())
        for found in explain_files(run, files, method)
        if isinstance(found, Explanation)
    ]
