"""A path that is typed in one Unicode form is found in the other, as is the home folder."""

import unicodedata
from pathlib import Path

import pytest

from dlmath.errors import DataError
from dlmath.given_paths import given_path

FORMS = ("NFC", "NFD")


def in_form(form, text):
    return unicodedata.normalize(form, text)


@pytest.mark.parametrize(("kept", "typed"), [FORMS, FORMS[::-1]])
def test_a_name_in_another_unicode_form_is_found_as_on_disk(tmp_path, monkeypatch, kept, typed):
    on_disk = Path(in_form(kept, "Größe"), in_form(kept, "Zelle ä.png"))
    (tmp_path / on_disk).parent.mkdir()
    (tmp_path / on_disk).write_bytes(b"")
    written = in_form(typed, "Größe/Zelle ä.png")
    assert given_path(tmp_path / written) == tmp_path / on_disk
    monkeypatch.chdir(tmp_path)
    assert given_path(written) == on_disk
    assert given_path(f"./{in_form(typed, 'Größe')}/../{written}").samefile(on_disk)


def test_a_name_that_is_there_as_written_comes_first(tmp_path):
    both = [tmp_path / in_form(form, "ä.png") for form in FORMS]
    for path in both:
        path.write_bytes(b"")
    assert list(map(given_path, both)) == both


def test_several_forms_that_could_be_meant_are_named_by_their_characters(tmp_path):
    for name in ("\u1ed9.png", "\u1ecd\u0302.png"):  # one letter with two marks, in two forms
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=r"'\\u1ecd\\u0302\.png', '\\u1ed9\.png'.*rename one"):
        given_path(tmp_path / "o\u0302\u0323.png")


@pytest.mark.parametrize("name", ["none.png", "ä.png", "ä/ö.png", "A.PNG", "ä\0.png"])
def test_a_path_that_is_not_there_stays_as_it_was_given(tmp_path, name):
    (tmp_path / "a.png").write_bytes(b"")
    assert given_path(tmp_path / name) == tmp_path / name


def test_the_home_folder_stands_in_the_place_of_its_sign(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert given_path("~/films") == tmp_path / "films"
    assert given_path(Path("films")) == Path("films")


def test_the_home_of_a_user_who_is_not_there_is_a_path_that_is_not_there():
    assert given_path("~nobody-here/films") == Path("~nobody-here/films")
