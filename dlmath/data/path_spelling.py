"""Find files on disk whose names are written in another case or Unicode form in a table."""

from collections import defaultdict
from pathlib import Path, PurePosixPath

from dlmath.data.listing import listed
from dlmath.errors import DataError
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
        found = self._root
        for part in PurePosixPath(file).parts:
            if part == ".." or (found / part).exists():
                found /= part
                continue
            spellings = self._entries(found).get(folded(part), [])
            if not spellings:
                return path
            if len(spellings) > 1:
                raise DataError(
                    f"{file} may be any of {listed(spellings)} in {found}. Spell it as there."
                )
            found /= spellings[0]
        if found.is_file():
            self.respelt.append(file)
            return found
        return path

    def _entries(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._folders:
            names = defaultdict(list)
            for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
                names[folded(entry.name)].append(entry.name)
            self._folders[folder] = names
        return self._folders[folder]
