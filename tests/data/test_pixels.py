import hashlib
import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dlmath.data import conversion, images, pixels
from dlmath.data.pixels import load_pixels
from dlmath.data.sources import ImageRecord
from dlmath.errors import DataError

SIZE = 16


def example(path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "0" * 64
    return ImageRecord(path.name, path, "A", None, None, digest)


@pytest.fixture
def examples(tmp_path):
    """Twelve small images, PNG and JPEG by turns."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{i:02}.{'png' if i % 2 else 'jpg'}" for i in range(12)]
    for path in paths:
        image = rng.integers(0, 256, (rng.integers(5, 40), rng.integers(5, 40), 3), dtype=np.uint8)
        Image.fromarray(image).save(path)
    return [example(path) for path in paths]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pixels"


@pytest.fixture
def spoilt(examples):
    """The same examples, of which three cannot be used."""
    examples[2].path.write_text("no image")
    examples[4].path.write_bytes(examples[4].path.read_bytes()[:-200])
    examples[7].path.unlink()
    return examples


def expected(examples):
    return np.stack([images.read(e.path.read_bytes(), e.file, SIZE) for e in examples])


@pytest.mark.parametrize("limit", [pixels.MEMORY_LIMIT, 0], ids=["memory", "file"])
def test_every_image_comes_out_by_the_specification_and_in_order(examples, cache, limit):
    loaded = load_pixels(examples, SIZE, memory_limit=limit)

    np.testing.assert_array_equal(loaded.array, expected(examples))
    assert loaded.array.dtype == np.uint8
    assert loaded.examples == tuple(examples)
    assert loaded.bad == ()
    assert isinstance(loaded.array, np.memmap) == (limit == 0)


def test_more_images_than_wait_in_line_keep_their_order(examples):
    many = examples * 12

    loaded = load_pixels(many, SIZE)

    np.testing.assert_array_equal(loaded.array, np.concatenate([expected(examples)] * 12))


def test_the_second_call_reads_the_file_of_the_first(examples, cache):
    first = load_pixels(examples, SIZE, memory_limit=0)
    for one in examples:
        one.path.unlink()

    second = load_pixels(examples, SIZE, memory_limit=0)

    np.testing.assert_array_equal(second.array, first.array)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("change", ["content", "order", "size", "specification"])
def test_what_decides_the_pixels_decides_the_file(examples, cache, monkeypatch, change):
    load_pixels(examples, SIZE, memory_limit=0)
    size = SIZE
    if change == "content":
        examples[0] = replace(examples[0], sha256="f" * 64)
    elif change == "order":
        examples.reverse()
    elif change == "size":
        size += 1
    else:
        monkeypatch.setattr(pixels, "reading_version", lambda: "another")

    load_pixels(examples, size, memory_limit=0)

    assert len(list(cache.glob("*.u8"))) == 2


@pytest.mark.parametrize("limit", [pixels.MEMORY_LIMIT, 0], ids=["memory", "file"])
def test_bad_files_are_named_in_one_error(spoilt, cache, limit):
    for _ in range(2):  # the second time from the cache
        with pytest.raises(DataError) as error:
            load_pixels(spoilt, SIZE, memory_limit=limit)

        message = str(error.value)
        assert "3 of 12 files" in message
        assert "02.jpg: no image of a format that is read" in message
        assert "04.jpg: damaged, or broken off" in message
        assert "07.png: cannot be read" in message
        assert "on_bad_file=skip" in message


@pytest.mark.parametrize("limit", [pixels.MEMORY_LIMIT, 0], ids=["memory", "file"])
def test_bad_files_are_skipped_and_listed_on_request(spoilt, cache, limit):
    good = [one for row, one in enumerate(spoilt) if row not in (2, 4, 7)]
    for _ in range(2):
        loaded = load_pixels(spoilt, SIZE, on_bad_file="skip", memory_limit=limit)

        assert loaded.examples == tuple(good)
        np.testing.assert_array_equal(loaded.array, expected(good))
        assert [bad.file for bad in loaded.bad] == ["02.jpg", "04.jpg", "07.png"]


def test_only_the_first_ten_bad_files_are_named(examples):
    for one in examples:
        one.path.write_bytes(b"")

    with pytest.raises(DataError) as error:
        load_pixels(examples, SIZE, on_bad_file="skip")  # nothing is left, so an error all the same

    assert "09.png" in str(error.value)
    assert "10.jpg" not in str(error.value)
    assert "and 2 more" in str(error.value)


@pytest.mark.parametrize("limit", [pixels.MEMORY_LIMIT, 0], ids=["memory", "file"])
def test_progress_counts_every_image(examples, cache, limit):
    heard = []
    load_pixels(
        examples, SIZE, memory_limit=limit, progress=lambda done, total: heard.append((done, total))
    )

    assert list(dict.fromkeys(heard)) == [(done, 12) for done in range(1, 13)]


def test_one_image_is_read_by_the_same_specification(spoilt):
    image = images.read(spoilt[0].path, "first", SIZE)

    np.testing.assert_array_equal(image, expected(spoilt[:1])[0])
    with pytest.raises(DataError, match=r"^third: no image of a format that is read"):
        images.read(spoilt[2].path, "third", SIZE)


def test_an_interruption_leaves_no_file_and_no_thread(examples, cache):
    def interrupt(done, total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_pixels(examples * 20, SIZE, memory_limit=0, progress=interrupt)

    assert list(cache.iterdir()) == []
    assert not [t for t in threading.enumerate() if t.name.startswith("decode")]


def test_a_missing_package_is_part_of_the_key_of_files_that_need_it(
    examples, tmp_path, monkeypatch
):
    path = tmp_path / "scan"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    heic = replace(examples[0], path=path)
    plain, deep = (pixels._cache_key(one, SIZE) for one in (examples, [heic, *examples]))

    monkeypatch.setattr(pixels, "has_heif", lambda: not conversion.has_heif())

    assert pixels._cache_key(examples, SIZE) == plain
    assert pixels._cache_key([heic, *examples], SIZE) != deep
