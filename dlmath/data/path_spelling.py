"""Find files on disk whose names are written in another case or Unicode form in a table."""

from collections import defaultdict
from pathlib import Path, PurePosixPath

from dlmath.given_paths import names_in, respelt
from dlmath.names import folded


class PathSpelling:
    """Finds files below a folder by names that may be spelt otherwise there.

    Tables are written on one system and read on another: macOS and Windows do not tell `A.png` from
    `a.png`, and some file systems store ü as two characters.

    Args:
        root: The folder that names are relative to.
    """

    def __init__(self, root: Path):
        self._root = root
        self._folders: dict[Path, dict[str, list[str]]] = {}
        self.respelt: list[str] = []  # names that were found in another spelling

    def find(self, file: str) -> Path:
        """Return the path of a file, spelt as on disk; as given where there is none like it.

        Raises:
            DataError: Several files could be meant.
        """
        path = self._root / file
        if path.is_file():
            return path
        found = respelt(self._root, PurePosixPath(file).parts, self._alike)
        if found is None or not found.is_file():
            return path
        self.respelt.append(file)
        return found

    def _alike(self, folder: Path, name: str) -> list[str]:
        if folder not in self._folders:
            names = defaultdict(list)
            for entry in names_in(folder):
                names[folded(entry)].append(entry)
            self._folders[folder] = names
        return self._folders[folder].get(folded(name), [])
