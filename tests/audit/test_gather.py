import hashlib
import os
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.trials import mutated_files
from dlmath.audit import gather
from dlmath.audit.gather import gather_facts
from dlmath.data import images
from dlmath.data.images import FILE_LIMIT
from dlmath.data.sources import Example
from dlmath.errors import DataError
from tests.support import planting

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)


def example_of(path: Path) -> Example:
    data = path.read_bytes() if path.is_file() and path.stat().st_size < FILE_LIMIT else b""
    return Example(path.name, path, "a", None, None, hashlib.sha256(data).hexdigest())


def facts_of(path: Path):
    (facts,) = gather_facts([example_of(path)])
    return facts


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("DLMATH_HOME", str(home))
    return home


def test_what_is_found_of_a_sound_image(tmp_path):
    path = tmp_path / "film.jpg"
    Image.fromarray(PIXELS).save(path, quality=61)

    facts = facts_of(path)

    upright = np.asarray(Image.open(path).convert("RGB"))
    grey = np.asarray(Image.open(path).convert("L")).astype(float)
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    assert (facts.file, facts.size) == ("film.jpg", path.stat().st_size)
    assert (facts.format, facts.width, facts.height) == ("JPEG", 20, 30)
    assert (facts.mode, facts.bits, facts.quality, facts.orientation) == ("RGB", 8, 61, 1)
    # Pillow makes grey of RGB by sixteen-bit weights, and of YCbCr by taking Y: up to 2 levels.
    assert facts.brightness == pytest.approx(grey.mean(), abs=2)
    assert facts.border == pytest.approx(border.mean(), abs=2)
    assert facts.border_spread == pytest.approx(border.std(), abs=2)
    assert facts.pixel_hash == hashlib.sha256(b"(20, 30) " + upright.tobytes()).hexdigest()
    assert facts.thumbnail.shape == (64, 64)
    assert facts.fault is facts.reason is None


def test_the_hash_is_that_of_the_upright_pixels(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(PIXELS)
    image.save(tmp_path / "upright.png")
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    image.convert("RGBA").save(tmp_path / "alpha.png")

    upright, turned, alpha = gather_facts(
        [example_of(tmp_path / name) for name in ("upright.png", "turned.png", "alpha.png")]
    )

    assert turned.orientation == 6
    assert upright.pixel_hash == turned.pixel_hash == alpha.pixel_hash
    np.testing.assert_array_equal(upright.thumbnail, turned.thumbnail)


def test_grey_equals_its_three_channels_and_shape_counts(tmp_path):
    grey = Image.fromarray(PIXELS[..., 0])
    grey.save(tmp_path / "grey.png")
    grey.convert("RGB").save(tmp_path / "rgb.png")
    Image.fromarray(PIXELS[..., 0].reshape(20, 30)).save(tmp_path / "other.png")

    grey, rgb, other = (facts_of(tmp_path / f"{name}.png") for name in ("grey", "rgb", "other"))

    assert grey.pixel_hash == rgb.pixel_hash != other.pixel_hash


def test_every_fault_that_can_be_planted_is_named_and_refused_by_training(tmp_path):
    data = planting.encoded(Image.fromarray(PIXELS), "PNG")
    for fault, (kind, spoil) in planting.FILE_FAULTS.items():
        path = tmp_path / "image.png"
        path.write_bytes(spoil(data))

        facts = facts_of(path)

        try:
            images.read(path, path.name, 24)
            refused = None
        except DataError as error:
            refused = str(error)
        assert facts.reason == refused, fault
        if refused is not None:
            assert facts.fault == kind, fault


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_what_is_no_file_cannot_be_read(tmp_path, kind):
    path = tmp_path / "a.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)

    facts = facts_of(path)

    assert (facts.fault, facts.size) == ("unreadable", 0)
    assert facts.reason.startswith("a.png: ")


@pytest.fixture
def bomb(tmp_path):
    """An 80 MB file that claims 400 megapixels."""
    path = tmp_path / "bomb.png"
    path.write_bytes(planting.bomb(bytes(80_000_000)))
    return path


def test_a_bomb_is_judged_by_its_header_in_little_memory(bomb):
    example = example_of(bomb)
    tracemalloc.start()

    (facts,) = gather_facts([example])

    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (facts.fault, facts.width, facts.height) == ("oversized", 20_000, 20_000)
    assert memory < 50_000_000


def test_a_bomb_is_not_decoded(bomb, monkeypatch):
    example = example_of(bomb)
    monkeypatch.setattr("dlmath.audit.gather.decode_upright", lambda *_: pytest.fail("decoded"))
    assert gather_facts([example])[0].fault == "oversized"


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(5 * 2**30)  # a hole: it takes no room
    tracemalloc.start()

    facts = facts_of(path)

    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (facts.fault, facts.size) == ("oversized", 5 * 2**30)
    assert "5,120 MiB" in facts.reason
    assert memory < 50_000_000


def test_faults_and_facts_keep_the_order_of_the_examples(tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(40)]
    for number, path in enumerate(paths):
        if number % 7 == 3:
            path.write_bytes(b"")
        else:
            Image.new("L", (number + 1, 3)).save(path)

    facts = gather_facts([example_of(path) for path in paths])

    assert [one.file for one in facts] == [path.name for path in paths]
    assert [one.width for one in facts if not one.fault] == [n + 1 for n in range(40) if n % 7 != 3]
    assert {one.fault for one in facts} == {None, "empty"}


def test_progress(tmp_path, recorder):
    Image.new("L", (3, 3)).save(tmp_path / "a.png")

    gather_facts([example_of(tmp_path / "a.png")] * 3, reporter=recorder)

    assert [step[1:] for step in recorder.steps] == [(1, 3), (2, 3), (3, 3)]


def test_no_examples():
    assert gather_facts([]) == []


def test_large_images_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    """Slow decoders that note how many of them run at once."""
    running, most = [], []
    measure = gather._measure

    def noted(data):
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()
        return measure(data)

    monkeypatch.setattr(gather, "_measure", noted)
    for number in range(6):
        Image.new("L", (40, 40), number).save(tmp_path / f"{number}.png")
    examples = [example_of(tmp_path / f"{number}.png") for number in range(6)]

    monkeypatch.setattr(gather, "_LARGE", 1600)
    gather_facts(examples)

    assert most == [1] * 6


@pytest.mark.parametrize("number", [200, pytest.param(2_000, marks=pytest.mark.slow)])
def test_broken_files_neither_crash_nor_hang_nor_divide_the_readers(number):
    result = mutated_files.run(number)

    assert result["crashes"] == result["hangs"] == result["disagreements"] == []
    assert sum(result["faults"].values()) == number
    assert len(result["faults"]) >= 6
