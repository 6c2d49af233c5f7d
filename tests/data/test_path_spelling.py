"""Files are found whatever case and Unicode form a table spells them in."""

import unicodedata

import pytest

from dlmath.data.path_spelling import PathSpelling
from dlmath.errors import DataError


@pytest.fixture
def folder(tmp_path):
    def make(*files):
        for file in files:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_bytes(b"")
        return tmp_path

    return make


def test_a_file_is_found_in_another_case_and_unicode_form(folder):
    on_disk = unicodedata.normalize("NFD", "Größe/Zellä.PNG")
    spelling = PathSpelling(folder(on_disk))
    assert spelling.find("größe/zellä.png") == folder() / on_disk
    assert spelling.respelt == ["größe/zellä.png"]


def test_a_file_that_is_spelt_as_on_disk_comes_first(folder):
    root = folder("A.png", "a.png")
    spelling = PathSpelling(root)
    assert (spelling.find("A.png"), spelling.find("a.png")) == (root / "A.png", root / "a.png")
    assert spelling.respelt == []


def test_several_that_could_be_meant_are_refused(folder):
    with pytest.raises(DataError, match=r"x\.PNG may be any of 'X\.png', 'x\.png'"):
        PathSpelling(folder("X.png", "x.png")).find("x.PNG")


@pytest.mark.parametrize("file", ["none.png", "sub/none.png", "a.png/none"])
def test_a_file_that_is_not_there_is_given_back(folder, file):
    root = folder("a.png")
    assert PathSpelling(root).find(file) == root / file


def test_folders_above_are_followed(folder):
    root = folder("here/x.csv", "IMG/1.png")
    assert PathSpelling(root / "here").find("../img/1.png").samefile(root / "IMG/1.png")
