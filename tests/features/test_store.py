import errno

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import DataError
from dlmath.features import store as store_module
from dlmath.features.row_formats import HALF, EightBits
from dlmath.features.store import FeatureStore


def key(number):
    return number.to_bytes(32, "big")


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "network", 3)


def rows(*numbers):
    return np.array([[n, n + 0.5, -n] for n in numbers], np.float32)


def test_what_was_appended_is_found_in_any_order(store):
    store.append([key(1), key(2)], rows(1, 2))
    store.append([key(3)], rows(3))
    found_rows, found = store.find([key(3), key(9), key(1), key(3)])
    assert found.tolist() == [True, False, True, True]
    np.testing.assert_array_equal(found_rows[:], rows(3, 1, 3))


def test_an_empty_store_has_nothing(store):
    found_rows, found = store.find([key(1)])
    assert found_rows.shape == found_rows[:].shape == (0, 3)
    assert not found.any()


@settings(max_examples=30)
@given(segments=st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=5), max_size=5))
def test_any_segments_give_every_row_back(segments, tmp_path_factory):
    store = FeatureStore(tmp_path_factory.mktemp("store"), 3)
    for numbers in segments:
        store.append([key(n) for n in numbers], rows(*numbers))
    found_rows, found = store.find([key(n) for n in range(31)])
    written = {n for numbers in segments for n in numbers}
    assert set(np.flatnonzero(found)) == written
    np.testing.assert_array_equal(found_rows[:], rows(*sorted(written)).reshape(-1, 3))


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_damaged_segment_is_thrown_away(store, damage):
    store.append([key(1)], rows(1))
    store.append([key(2)], rows(2))
    (path,) = [p for p in store.folder.iterdir() if key(2) in p.read_bytes()]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content if damage == "flip" else content[:-1])
    assert store.find([key(1), key(2)])[1].tolist() == [True, False]
    assert not path.exists()


def test_a_full_disk_is_one_message_and_leaves_nothing_half_written(store, monkeypatch):
    def write(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    store.append([key(1)], rows(1))
    monkeypatch.setattr(store_module, "write_bytes", write)
    with pytest.raises(DataError, match="No space left on device.*DLMATH_HOME"):
        store.append([key(2)], rows(2))
    assert store.find([key(1)])[1].all()


def test_the_cap_removes_networks_that_nobody_used_for_long(tmp_path, monkeypatch):
    import os

    old, own = FeatureStore(tmp_path / "old", 3), FeatureStore(tmp_path / "own", 3)
    for store in (old, own):
        store.append([key(1)], rows(1))
    os.utime(old.folder, (0, 0))
    monkeypatch.setattr(store_module, "LIMIT", 1)
    own.make_room(1)
    assert not old.folder.exists()
    assert own.find([key(1)])[1].all()


def test_a_cache_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = FeatureStore(tmp_path / "file" / "network", 3)
    with pytest.raises(DataError, match="cannot be written.*DLMATH_HOME"):
        store.make_room(1)
    with pytest.raises(DataError, match="cannot be written.*DLMATH_HOME"):
        store.append([key(1)], rows(1))


def test_rows_of_float16_are_mapped_next_to_those_of_float32(tmp_path):
    single, half = FeatureStore(tmp_path, 3), FeatureStore(tmp_path, 3, HALF)
    single.append([key(1)], rows(1))
    half.append([key(1), key(2)], rows(10, 20))

    found, _ = half.find([key(2), key(1)])

    assert found.dtype == np.float16
    np.testing.assert_array_equal(found[:], rows(20, 10))
    np.testing.assert_array_equal(found[np.array([1, 1])], rows(10, 10))
    np.testing.assert_array_equal(found.reshaped((3, 1))[1:], rows(10)[:, :, np.newaxis])
    np.testing.assert_array_equal(single.find([key(1)])[0][:], rows(1))
    (path,) = tmp_path.glob("*.rows16")
    assert path.stat().st_size == 2 * half.row_bytes == 2 * (32 + 6)


def test_rows_of_eight_bits_are_mapped_with_their_scales(tmp_path):
    store = FeatureStore(tmp_path, 3, EightBits(channels=1))
    store.append([key(1), key(2)], rows(10, 20))

    found, _ = store.find([key(2), key(1)])

    # Lowest, highest and step are kept as float32, so the ends of a channel come back.
    np.testing.assert_allclose(found[:], rows(20, 10), atol=(20.5 + 20) / 255 / 2)
    (path,) = tmp_path.glob("*.rows8")
    assert path.stat().st_size == 2 * store.row_bytes == 2 * (32 + 3 + 8)


def test_rows_that_were_found_outlive_their_file(store):
    """Another run may make room while this one trains."""
    store.append([key(1)], rows(1))
    found, _ = store.find([key(1)])
    for path in store.folder.iterdir():
        path.unlink()

    np.testing.assert_array_equal(found[:], rows(1))
