"""Write explanations into a folder: a picture and the raw numbers of each."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.errors import UserError
from dlmath.explain.explainer import Explanation, NotExplained
from dlmath.runs import write_bytes


class MapFiles:
    """A folder of maps. Images of one name in several folders get numbers: `x`, `x-2`, ...

    Args:
        folder: Made where it is absent. Files of an earlier call with the same names are replaced.

    Raises:
        UserError: The folder cannot be made.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._names: set[str] = set()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._not_writable(error) from error

    def write(self, found: Explanation | NotExplained) -> dict[str, Any]:
        """Write `<image>-<method>.png` and `.npy`, and return what `--json` prints of the image.

        The array is float32 (S, S), S being the side of the images that the model sees.

        Raises:
            UserError: The folder cannot be written to.
        """
        if isinstance(found, NotExplained):
            return found.as_json()
        name = self._unused(f"{found.file.stem}-{found.method}")
        overlay, array = self.folder / f"{name}.png", self.folder / f"{name}.npy"
        numbers = io.BytesIO()
        np.save(numbers, found.heat_map.values)
        try:
            write_bytes(overlay, found.overlay())
            write_bytes(array, numbers.getvalue())
        except OSError as error:
            raise self._not_writable(error) from error
        return {**found.as_json(), "overlay": str(overlay), "array": str(array)}

    def _unused(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self._names:
            name, number = f"{wanted}-{number}", number + 1
        self._names.add(name)
        return name

    def _not_writable(self, error: OSError) -> UserError:
        return UserError(f"Cannot write to {self.folder}: {error.strerror}. Pass another --out.")
