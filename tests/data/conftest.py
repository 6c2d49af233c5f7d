from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from PIL import Image

WriteImages = Callable[[Path, Iterable[str]], Path]


@pytest.fixture(scope="session")
def write_images() -> WriteImages:
    """Write a small image, each of its own shade, at each of the names under a folder."""

    def write(root: Path, names: Iterable[str]) -> Path:
        for number, name in enumerate(names):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shade = (number % 256, number // 256 % 256, 90)
            Image.new("RGB", (6, 5), shade).save(path, "PNG" if "png" in name.lower() else "JPEG")
        return root

    return write
