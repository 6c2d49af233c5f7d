"""Every file that somebody wants an answer for is found, and all others are counted."""

import errno
import os

import numpy as np
import pytest
from PIL import Image

from dlmath.data.image_search import find_images, search_images
from dlmath.errors import DataError

PICTURE = Image.fromarray(np.zeros((4, 4, 3), np.uint8))


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "scr"
    (root / "sub").mkdir(parents=True)
    for name in ("1.png", "2.tif", "3.jpe", "6.bmp", "sub/4.webp", "8.gif"):
        PICTURE.save(root / name, format="JPEG" if name == "3.jpe" else None)
    PICTURE.save(root / "5", "PNG")
    PICTURE.save(root / "9.txt", "JPEG")
    return root


def names(root, found):
    return [path.relative_to(root).as_posix() for path in found]


def test_content_decides_and_not_the_ending(folder):
    assert names(folder, find_images(folder)) == [
        *("1.png", "2.tif", "3.jpe", "5", "6.bmp", "8.gif", "9.txt", "sub/4.webp")
    ]


def test_what_cannot_be_read_is_to_be_named_and_the_rest_is_counted(folder):
    (folder / "7.png").symlink_to("gone.png")
    (folder / "link").symlink_to("gone")
    for name in ("scan.avif", "cut.heic", "text.jpg"):
        (folder / name).write_bytes(b"x")
    for name in ("notes.txt", "more.txt", "table.csv", "README", ".hidden", "._1.png"):
        (folder / name).write_bytes(b"x")

    found = search_images(folder)

    assert {"7.png", "link", "scan.avif", "cut.heic", "text.jpg"} <= set(names(folder, found.paths))
    assert found.left_out == {"*.txt": 2, "*.csv": 1, "*": 1, "hidden files and folders": 2}


def test_linked_folders_are_searched_and_circles_end(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    PICTURE.save(outside / "far.png")
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    (folder / "sub" / "round").symlink_to(folder, target_is_directory=True)

    found = names(folder, find_images(folder))

    assert "linked/far.png" in found
    assert len(found) == 9


def test_a_folder_that_may_not_be_opened_is_named(folder, monkeypatch):
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("sub"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)

    assert names(folder, find_images(folder))[-1] == "sub"


def test_a_folder_without_images_says_what_it_holds(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"no image in .*Left out: 1 file \*.txt \(no images\)"):
        find_images(tmp_path)


def test_a_dead_link_with_brackets_is_no_pattern(tmp_path):
    (tmp_path / "[1].png").symlink_to("gone.png")
    assert find_images(tmp_path / "[1].png") == [tmp_path / "[1].png"]
