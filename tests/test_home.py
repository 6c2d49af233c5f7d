import pytest

from dlmath import given_paths
from dlmath.errors import UserError
from dlmath.home import home_folder


def test_the_home_folder_is_that_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert home_folder() == tmp_path


def test_a_home_folder_that_is_not_known_is_asked_for(monkeypatch):
    monkeypatch.setattr(given_paths.os.path, "expanduser", str)
    with pytest.raises(UserError, match="Set DLMATH_HOME"):
        home_folder()
