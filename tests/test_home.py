from pathlib import Path

from dlmath.home import expanded, home_folder


def test_the_home_folder_stands_in_the_place_of_its_sign(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert expanded("~/films") == tmp_path / "films"
    assert expanded(Path("films")) == Path("films")
    assert home_folder() == tmp_path


def test_the_home_of_a_user_who_is_not_there_is_a_path_that_is_not_there():
    assert expanded("~nobody-here/films") == Path("~nobody-here/films")
