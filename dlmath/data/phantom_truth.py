"""Places of the drawn findings of a phantom: `truth.csv`, one row an image that has one.

Masks are kept as run lengths: a line of text each, so that one table holds boxes and masks
and no stray picture lies among the classes.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlmath.data.class_folders import PHANTOM_TRUTH
from dlmath.data.strict_csv import read_own_csv
from dlmath.errors import DataError
from dlmath.runs import write_csv


class Truth(NamedTuple):
    """One image's finding."""

    file: str  # relative to the phantom's folder, with forward slashes
    finding: str  # bacteria, virus or parasite
    mask: np.ndarray  # bool (height, width) of the image

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The smallest (left, top, right, bottom) around the mask; right and bottom are outside."""
        rows = np.flatnonzero(self.mask.any(axis=1))
        columns = np.flatnonzero(self.mask.any(axis=0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def write_truth(folder: Path, truths: list[Truth]) -> None:
    """Write `truth.csv` into a phantom's folder."""
    fields = ("file", "finding", "left", "top", "right", "bottom", "height", "width", "runs")
    rows = []
    for truth in truths:
        runs = " ".join(map(str, run_lengths(truth.mask)))
        values = (truth.file, truth.finding, *truth.box, *truth.mask.shape, runs)
        rows.append(dict(zip(fields, values, strict=True)))
    write_csv(folder / PHANTOM_TRUTH, fields, rows)


def read_truth(folder: Path) -> dict[str, Truth]:
    """Read the findings of a phantom, by file name. Images without a finding are not in it.

    Raises:
        DataError: There is no truth.csv, for the folder is no phantom; or it is damaged.
    """
    path = Path(folder) / PHANTOM_TRUTH
    if not path.is_file():
        raise DataError(
            f"No {PHANTOM_TRUTH} in {folder}: only phantoms know where their findings lie. "
            "Draw one with: dlmath data phantom TASK --out DIR"
        )
    try:
        return {row["file"]: _from_row(row, path) for row in read_own_csv(path)}
    except (ValueError, KeyError) as error:
        raise DataError(f"{path} is damaged: {error}. Draw the phantom again.") from error


def _from_row(row: dict[str, str], path: Path) -> Truth:
    shape = int(row["height"]), int(row["width"])
    runs = np.array(row["runs"].split(), np.int64)
    if runs.sum() != shape[0] * shape[1]:
        raise DataError(
            f"The mask of {row['file']} in {path} does not fill its {shape[1]} x {shape[0]} "
            "pixels: the file is damaged. Draw the phantom again."
        )
    return Truth(row["file"], row["finding"], mask_of(runs, shape))


def run_lengths(mask: np.ndarray) -> list[int]:
    """Return the lengths of runs of equal values, row by row, beginning with a run of False.

    A mask that begins with True has a first run of 0.
    """
    flat = np.concatenate([[False], mask.ravel()])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(np.concatenate([[0], changes, [mask.size]])).tolist()


def mask_of(runs: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the bool mask of `shape` whose `run_lengths` are `runs`."""
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(shape)
