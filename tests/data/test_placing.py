import os
import stat
import time

import pytest

from dlmath.data.placing import atomic_folder, make_room, size_text
from dlmath.errors import DataError


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


@pytest.mark.skipif(os.name != "posix", reason="needs links and modes")
@pytest.mark.parametrize("is_there", [True, False])
def test_an_empty_folder_gives_its_permissions_and_a_link_is_followed(tmp_path, is_there):
    far, link = tmp_path / "far", tmp_path / "link"
    if is_there:
        far.mkdir()
        far.chmod(0o700)
    link.symlink_to("far")
    with atomic_folder(link) as temporary:
        (temporary / "a").write_text("x")
    assert (link.is_symlink(), (far / "a").read_text()) == (True, "x")
    assert not is_there or stat.S_IMODE(far.stat().st_mode) == 0o700
    assert sorted(path.name for path in tmp_path.iterdir()) == ["far", "link"]


@pytest.fixture
def cached(tmp_path):
    """Three folders of 100 bytes, last used three days, two days and an hour ago."""
    for name, hours in (("oldest", 72), ("older", 48), ("recent", 1)):
        (tmp_path / name / "images").mkdir(parents=True)
        (tmp_path / name / "images" / "1.png").write_bytes(bytes(100))
        used = time.time() - hours * 3600
        os.utime(tmp_path / name, (used, used))
    folders = {folder.name for folder in tmp_path.iterdir()}
    size = sum(path.lstat().st_size for path in tmp_path.glob("*/**/*"))
    return tmp_path, folders, size


@pytest.mark.parametrize(
    ("excess", "removed"),
    [(0, set()), (1, {"oldest"}), (101, {"oldest"}), (10**9, {"oldest", "older"})],
)
def test_the_folders_unused_for_longest_make_room(cached, excess, removed):
    root, folders, size = cached
    make_room(root, needed=50, limit=size + 50 - excess)
    assert {folder.name for folder in root.iterdir()} == folders - removed


def test_more_than_the_disk_holds_is_refused(tmp_path):
    with pytest.raises(DataError, match="DLMATH_HOME"):
        make_room(tmp_path / "new", needed=2**80)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (45_300_000, "43 MiB"),
        (2**30, "1.0 GiB"),
        (2**41, "2,048.0 GiB"),
    ],
)
def test_sizes_are_told_in_a_unit_that_shows_them(size, said):
    assert size_text(size) == said
