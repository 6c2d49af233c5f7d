import errno
import os
from types import SimpleNamespace

import numpy as np
import pytest

from dlmath.data import pixel_cache
from dlmath.errors import DataError

ROWS = np.arange(3 * 4, dtype=np.uint8).reshape(3, 2, 2)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path))
    return tmp_path / "pixels"


def fill(put):
    for row in ROWS:
        put(row)
    return "three rows"


def never(put):
    raise AssertionError("filled again")


def test_rows_and_note_come_back_mapped_read_only_and_without_filling_again(home):
    first, note = pixel_cache.fetch("key", (2, 2), 3, fill)
    again, note_again = pixel_cache.fetch("key", (2, 2), 3, never)

    np.testing.assert_array_equal(first, ROWS)
    np.testing.assert_array_equal(again, ROWS)
    assert note == note_again == "three rows"
    assert isinstance(again, np.memmap)
    assert not again.flags.writeable


def test_another_key_is_filled_anew(home):
    pixel_cache.fetch("key", (2, 2), 3, fill)

    with pytest.raises(AssertionError, match="filled again"):
        pixel_cache.fetch("other", (2, 2), 3, never)


def test_no_rows_at_all_come_back_as_none(home):
    rows, _ = pixel_cache.fetch("key", (2, 2), 3, lambda put: "")

    assert rows.shape == (0, 2, 2)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_an_interruption_leaves_nothing(home, interruption):
    def interrupted(put):
        put(ROWS[0])
        raise interruption

    with pytest.raises(interruption):
        pixel_cache.fetch("key", (2, 2), 3, interrupted)

    assert list(home.iterdir()) == []


def test_a_disk_that_fills_up_is_an_error_that_says_what_to_do(home):
    def full(put):
        put(ROWS[0])
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DataError, match="DLMATH_HOME"):
        pixel_cache.fetch("key", (2, 2), 3, full)

    assert list(home.iterdir()) == []


def test_too_small_a_disk_is_refused_before_decoding(home, monkeypatch):
    monkeypatch.setattr(
        pixel_cache.shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**30)
    )

    with pytest.raises(DataError, match=r"2\.0 GiB are needed"):
        pixel_cache.fetch("key", (2**10, 2**10), 2**11, never)


def test_the_files_unused_for_longest_make_room(tmp_path):
    for age, name in [(3, "old"), (1, "new"), (2, "middle")]:
        file = tmp_path / name
        file.write_bytes(bytes(10))
        os.utime(file, (1_000_000 - age, 1_000_000 - age))

    pixel_cache.make_room(tmp_path, 15, limit=30)

    assert [file.name for file in tmp_path.iterdir()] == ["new"]


def test_nothing_is_removed_below_the_limit(tmp_path):
    (tmp_path / "kept").write_bytes(bytes(10))

    pixel_cache.make_room(tmp_path, 20, limit=30)

    assert (tmp_path / "kept").exists()
