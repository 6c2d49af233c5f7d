import hashlib

import numpy as np
import pytest
from PIL import Image

from dlmath.audit import scan, stats_cache
from dlmath.audit.scan import scan_images
from dlmath.data.sources import ImageRecord


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def examples(tmp_path):
    made = []
    for number in range(5):
        path = tmp_path / f"{number}.jpg"
        pixels = np.random.default_rng(number).integers(0, 256, (9, 8 + number), dtype=np.uint8)
        Image.fromarray(pixels).save(path, "JPEG" if number else "PNG")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        made.append(ImageRecord(path.name, path, "a", None, None, sha256))
    return made


@pytest.fixture
def reads(monkeypatch):
    """The names of the files that are read."""
    names = []
    read = scan.open_checked

    def noted(path, name):
        names.append(name)
        return read(path, name)

    monkeypatch.setattr(scan, "open_checked", noted)
    return names


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        for name in one.__slots__:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


def test_a_second_audit_reads_nothing_and_finds_the_same(home, examples, reads):
    first = scan_images(examples)
    assert len(reads) == 5

    second = scan_images(examples)

    assert len(reads) == 5
    assert_same(first, second)


def test_a_new_file_alone_is_read(home, examples, reads):
    scan_images(examples[:3])
    scan_images(examples)

    assert sorted(reads) == [example.file for example in examples]


def test_the_same_bytes_under_another_name_are_known(home, examples, reads):
    scan_images(examples[:1])
    renamed = ImageRecord("other.png", examples[0].path, "b", "test", None, examples[0].sha256)

    (stats,) = scan_images([renamed])

    assert (stats.file, reads) == ("other.png", ["0.jpg"])


def test_bad_files_are_not_remembered(home, examples, reads):
    examples[0].path.write_bytes(b"text")

    scan_images(examples[:1])

    assert not list(home.rglob("*.facts"))


def test_a_file_that_changed_since_it_was_hashed_is_not_taken_for_what_it_was(home, examples):
    hashed = examples[1]
    whole = hashed.path.read_bytes()
    hashed.path.write_bytes(examples[2].path.read_bytes())
    scan_images([hashed])
    hashed.path.write_bytes(whole)

    (stats,) = scan_images([hashed])

    assert stats.width == 9  # examples[2] has another


@pytest.mark.parametrize("damage", [b"", b"not a segment", None])
def test_damage_is_noticed_and_mended(home, examples, reads, damage):
    first = scan_images(examples)
    (segment,) = home.rglob("*.facts")
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if damage is None else damage)

    second = scan_images(examples)

    assert len(reads) == 10
    assert_same(first, second)
    assert segment.read_bytes() == whole


def test_without_a_cache_everything_is_read_again(home, examples, reads):
    home.write_text("a file in the place of the folder")

    assert_same(scan_images(examples), scan_images(examples))
    assert len(reads) == 10


def test_a_full_disk_is_no_error(home, examples, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stats_cache, "write_bytes", full)

    assert len(scan_images(examples)) == 5
    assert not list(home.rglob("*.facts"))


def test_segments_are_written_on_the_way(home, examples, monkeypatch):
    monkeypatch.setattr(stats_cache, "SEGMENT", 2)

    first = scan_images(examples)

    assert len(list(home.rglob("*.facts"))) == 3
    assert_same(first, scan_images(examples))
