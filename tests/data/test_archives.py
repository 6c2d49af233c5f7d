import os
import stat
import zipfile
from types import SimpleNamespace

import pytest

from dlmath.data.archives import unpack
from dlmath.errors import DataError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def pack(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def unpacked_files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def test_unpacks_once_and_uses_the_folder_again(tmp_path, recorder):
    archive = pack(tmp_path / "cells.zip", [("a/", b""), ("a/1.png", b"one"), ("b/2.png", b"two")])
    steps = recorder.steps
    folder = unpack(archive, reporter=recorder)
    assert unpacked_files(folder) == {"a/1.png": b"one", "b/2.png": b"two"}
    assert steps == [("unpacking", 1, 2), ("unpacking", 2, 2)]
    assert unpack(archive, reporter=recorder) == folder
    assert len(steps) == 2


def test_a_file_lost_from_the_cache_is_unpacked_again(tmp_path):
    archive = pack(tmp_path / "cells.zip", [("1.png", b"one"), ("2.png", b"two")])
    folder = unpack(archive)
    (folder / "1.png").unlink()
    (folder / "2.png").write_bytes(b"t")
    assert unpacked_files(unpack(archive)) == {"1.png": b"one", "2.png": b"two"}


def test_a_changed_archive_is_unpacked_beside_the_old_one(tmp_path):
    archive = pack(tmp_path / "cells.zip", [("1.png", b"one")])
    before = unpack(archive)
    pack(archive, [("1.png", b"uno")])
    os.utime(archive, ns=(1, 1))
    after = unpack(archive)
    assert after != before
    assert unpacked_files(after) == {"1.png": b"uno"}


def test_names_with_backslashes_are_folders(tmp_path):
    info = zipfile.ZipInfo("x")
    info.filename = "NORMAL\\1.png"
    assert unpacked_files(unpack(pack(tmp_path / "a.zip", [(info, b"one")]))) == {
        "NORMAL/1.png": b"one"
    }


def test_a_dot_in_front_of_a_name_is_where_the_archive_is(tmp_path):
    """As tar writes it, also that of Windows, where it is asked for a zip."""
    archive = pack(tmp_path / "a.zip", [("./NORMAL/1.png", b"one"), (".\\2.png", b"two")])
    folder = unpack(archive)
    assert unpacked_files(folder) == {"NORMAL/1.png": b"one", "2.png": b"two"}
    assert unpack(archive) == folder


def test_a_name_in_front_of_which_is_a_dot_takes_no_others_place(tmp_path):
    with pytest.raises(DataError, match="names that are one"):
        unpack(pack(tmp_path / "a.zip", [("./1.png", b"one"), ("1.png", b"two")]))


def test_an_archive_of_a_long_name_is_unpacked(tmp_path):
    archive = pack(tmp_path / f"{'ü' * 120}.zip", [("1.png", b"one")])  # 244 bytes
    assert unpacked_files(unpack(archive)) == {"1.png": b"one"}


@pytest.mark.parametrize(
    "name",
    [
        *("../up.png", "a/../../up.png", "a\\..\\..\\up.png", "a/./b.png", "a//b.png"),
        *("/abs.png", "C:/win.png", "file.png:stream", "a/nul.png", "COM1", "b\x07ell.png"),
        *("con .png", "CONIN$", "lpt¹.png", "a /x.png", "a./x.png", "x.png.", "//host/x.png"),
        *("\\\\host\\x.png", "\\x.png", "a/" * 64 + "x.png"),
    ],
)
def test_unsafe_names_are_refused_before_anything_is_written(tmp_path, home, name):
    archive = pack(tmp_path / "evil.zip", [("fine.png", b"x"), (name, b"x")])
    with pytest.raises(DataError, match="names that are not safe"):
        unpack(archive)
    assert not home.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.zip"]


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match=r"links or other special files: 'link\.png'"):
        unpack(pack(tmp_path / "a.zip", [(link, b"/etc/passwd")]))


def test_a_name_that_occurs_twice_is_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = pack(tmp_path / "a.zip", [("1.png", b"one"), ("1.png", b"two")])
    with pytest.raises(DataError, match="names that are one on some systems: '1.png', '1.png'"):
        unpack(archive)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A/1.png", "a/1.PNG"),
        ("\u00e9.png", "e\u0301.png"),
        ("a/b", "a/b/1.png"),
        ("A", "a/1.png"),
        ("stra\u00dfe.png", "strasse.png"),
    ],
)
def test_names_that_some_file_system_takes_for_one_are_refused(tmp_path, home, one, other):
    archive = pack(tmp_path / "a.zip", [(one, b"one"), (other, b"two")])
    with pytest.raises(DataError, match="names that are one on some systems"):
        unpack(archive)
    assert not home.exists()


def test_a_name_that_is_cut_short_is_refused(tmp_path, home):
    archive = pack(tmp_path / "a.zip", [("1.pngX.txt", b"one")])
    archive.write_bytes(archive.read_bytes().replace(b"1.pngX.txt", b"1.png\0.txt"))
    with pytest.raises(DataError, match=r"names that are not safe: '1\.png'"):
        unpack(archive)
    assert not home.exists()


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_special_files_are_refused(tmp_path, home, kind):
    special = zipfile.ZipInfo("1.png")
    special.external_attr = (kind | 0o666) << 16
    with pytest.raises(DataError, match="special files"):
        unpack(pack(tmp_path / "a.zip", [(special, b"")]))
    assert not home.exists()


def test_files_that_share_their_bytes_are_refused(tmp_path, home):
    """The second entry of the directory is made to point at the first file's bytes."""
    archive = pack(tmp_path / "a.zip", [("1.png", b"x" * 50), ("2.png", b"y" * 50)])
    data = bytearray(archive.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = (0).to_bytes(4, "little")  # the offset of its header
    archive.write_bytes(data)
    with pytest.raises(DataError, match="files that lie within each other"):
        unpack(archive)
    assert not home.exists()


def test_a_bomb_is_known_by_how_much_it_shrank(tmp_path, home, monkeypatch):
    monkeypatch.setattr("dlmath.data.archives.RATIO_FROM", 50_000)
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("1.png", bytes(100_000))
    with pytest.raises(DataError, match="times its size"):
        unpack(archive)
    assert not home.exists()


def test_a_zip_inside_is_not_unpacked(tmp_path):
    inner = pack(tmp_path / "inner.zip", [("2.png", b"two")]).read_bytes()
    archive = pack(tmp_path / "a.zip", [("1.png", b"one"), ("inner.zip", inner)])
    assert unpacked_files(unpack(archive)) == {"1.png": b"one", "inner.zip": inner}


def test_an_encrypted_member_is_refused(tmp_path):
    archive = pack(tmp_path / "a.zip", [("1.png", b"one")])
    data = bytearray(archive.read_bytes())
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags_at] |= 1
    archive.write_bytes(data)
    with pytest.raises(DataError, match=r"encrypted files: '1\.png'"):
        unpack(archive)


def test_sizes_are_bounded_by_what_the_headers_say(tmp_path, home):
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("1.png", bytes(100_000))
    assert archive.stat().st_size < 1_000
    with pytest.raises(DataError, match="would unpack to 1 file"):
        unpack(archive, max_bytes=99_999)
    with pytest.raises(DataError, match="would unpack to 1 file"):
        unpack(archive, max_members=0)
    assert not home.exists()
    assert unpack(archive, max_bytes=100_000, max_members=1).is_dir()


def test_a_full_disk_is_foreseen(tmp_path, monkeypatch):
    archive = pack(tmp_path / "a.zip", [("1.png", bytes(100))])
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=99))
    with pytest.raises(DataError, match=r"need \d+ bytes .* where 99 bytes are free.*DLMATH_HOME"):
        unpack(archive)


@pytest.mark.parametrize("damage", ["text", "cut", "flipped"])
def test_a_damaged_archive_leaves_nothing_behind(tmp_path, home, damage):
    archive = pack(tmp_path / "a.zip", [("1.png", b"0123456789"), ("2.png", b"abcdefghij")])
    data = archive.read_bytes()
    broken = {
        "text": b"no zip at all",
        "cut": data[:-30],
        "flipped": data.replace(b"abcdefghij", b"abcdXfghij"),
    }
    archive.write_bytes(broken[damage])
    with pytest.raises(DataError, match=r"a\.zip is damaged or no zip"):
        unpack(archive)
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_a_missing_archive_is_one_message(tmp_path):
    with pytest.raises(DataError, match="Cannot unpack"):
        unpack(tmp_path / "none.zip")
