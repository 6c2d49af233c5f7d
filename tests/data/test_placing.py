import os
import stat

import pytest

from dlmath.data.placing import atomic_folder


def test_a_folder_appears_when_it_is_done_and_others_may_read_it(tmp_path):
    target = tmp_path / "new" / "folder"
    with atomic_folder(target) as temporary:
        (temporary / "a").write_text("x")
        assert not target.exists()
    assert (target / "a").read_text() == "x"
    assert [path.name for path in target.parent.iterdir()] == ["folder"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o777 & ~umask


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_folder(tmp_path / "folder") as temporary:
        (temporary / "missing" / "a").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_the_first_of_two_stays(tmp_path):
    target = tmp_path / "folder"
    with atomic_folder(target) as slower:
        (slower / "a").write_text("slower")
        with atomic_folder(target) as faster:
            (faster / "a").write_text("faster")
    assert (target / "a").read_text() == "faster"
    assert list(tmp_path.iterdir()) == [target]
