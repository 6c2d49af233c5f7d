import hashlib

import numpy as np
import pytest
from PIL import Image

from dlmath.audit import gather, remembered
from dlmath.audit.gather import gather_facts
from dlmath.data.sources import Example


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
        made.append(Example(path.name, path, "a", None, None, sha256))
    return made


@pytest.fixture
def reads(monkeypatch):
    """The names of the files that are read."""
    names = []
    read = gather.read_checked

    def noted(path, name):
        names.append(name)
        return read(path, name)

    monkeypatch.setattr(gather, "read_checked", noted)
    return names


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        for name in one.__slots__:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


def test_a_second_audit_reads_nothing_and_finds_the_same(home, examples, reads):
    first = gather_facts(examples)
    assert len(reads) == 5

    second = gather_facts(examples)

    assert len(reads) == 5
    assert_same(first, second)


def test_a_new_file_alone_is_read(home, examples, reads):
    gather_facts(examples[:3])
    gather_facts(examples)

    assert sorted(reads) == [example.file for example in examples]


def test_the_same_bytes_under_another_name_are_known(home, examples, reads):
    gather_facts(examples[:1])
    renamed = Example("other.png", examples[0].path, "b", "test", None, examples[0].sha256)

    (facts,) = gather_facts([renamed])

    assert (facts.file, reads) == ("other.png", ["0.jpg"])


def test_bad_files_are_not_remembered(home, examples, reads):
    examples[0].path.write_bytes(b"text")

    gather_facts(examples[:1])

    assert not list(home.rglob("*.facts"))


def test_a_file_that_changed_since_it_was_hashed_is_not_taken_for_what_it_was(home, examples):
    hashed = examples[1]
    whole = hashed.path.read_bytes()
    hashed.path.write_bytes(examples[2].path.read_bytes())
    gather_facts([hashed])
    hashed.path.write_bytes(whole)

    (facts,) = gather_facts([hashed])

    assert facts.width == 9  # examples[2] has another


@pytest.mark.parametrize("damage", [b"", b"not a segment", None])
def test_damage_is_noticed_and_mended(home, examples, reads, damage):
    first = gather_facts(examples)
    (segment,) = home.rglob("*.facts")
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if damage is None else damage)

    second = gather_facts(examples)

    assert len(reads) == 10
    assert_same(first, second)
    assert segment.read_bytes() == whole


def test_without_a_cache_everything_is_read_again(home, examples, reads):
    home.write_text("a file in the place of the folder")

    assert_same(gather_facts(examples), gather_facts(examples))
    assert len(reads) == 10


def test_a_full_disk_is_no_error(home, examples, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(remembered, "write_bytes", full)

    assert len(gather_facts(examples)) == 5
    assert not list(home.rglob("*.facts"))


def test_segments_are_written_on_the_way(home, examples, monkeypatch):
    monkeypatch.setattr(remembered, "SEGMENT", 2)

    first = gather_facts(examples)

    assert len(list(home.rglob("*.facts"))) == 3
    assert_same(first, gather_facts(examples))
