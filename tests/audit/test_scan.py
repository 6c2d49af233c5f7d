import hashlib
import io
import os
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.trials import mutated_files
from dlmath.audit import scan
from dlmath.audit.scan import jpeg_quality, scan_images
from dlmath.data import images
from dlmath.data.images import FILE_LIMIT
from dlmath.data.sources import ImageRecord
from dlmath.errors import DataError
from tests.support import planting

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)


def example_of(path: Path) -> ImageRecord:
    data = path.read_bytes() if path.is_file() and path.stat().st_size < FILE_LIMIT else b""
    return ImageRecord(path.name, path, "a", None, None, hashlib.sha256(data).hexdigest())


def stats_of(path: Path):
    (stats,) = scan_images([example_of(path)])
    return stats


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("DLMATH_HOME", str(home))
    return home


def test_what_is_found_of_a_sound_image(tmp_path):
    path = tmp_path / "film.jpg"
    Image.fromarray(PIXELS).save(path, quality=61)

    stats = stats_of(path)

    upright = np.asarray(Image.open(path).convert("RGB"))
    grey = np.asarray(Image.open(path).convert("L")).astype(float)
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    assert (stats.file, stats.size) == ("film.jpg", path.stat().st_size)
    assert (stats.format, stats.width, stats.height) == ("JPEG", 20, 30)
    assert (stats.mode, stats.bits, stats.quality, stats.orientation) == ("RGB", 8, 61, 1)
    # Pillow makes grey of RGB by sixteen-bit weights, and of YCbCr by taking Y: up to 2 levels.
    assert stats.brightness == pytest.approx(grey.mean(), abs=2)
    assert stats.border == pytest.approx(border.mean(), abs=2)
    assert stats.border_spread == pytest.approx(border.std(), abs=2)
    assert stats.pixel_hash == hashlib.sha256(b"(20, 30) " + upright.tobytes()).hexdigest()
    assert stats.thumbnail.shape == (64, 64)
    assert stats.fault is stats.reason is None


def test_the_hash_is_that_of_the_upright_pixels(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(PIXELS)
    image.save(tmp_path / "upright.png")
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    image.convert("RGBA").save(tmp_path / "alpha.png")

    upright, turned, alpha = scan_images(
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

    grey, rgb, other = (stats_of(tmp_path / f"{name}.png") for name in ("grey", "rgb", "other"))

    assert grey.pixel_hash == rgb.pixel_hash != other.pixel_hash


def test_every_fault_that_can_be_planted_is_named_and_refused_by_training(tmp_path):
    data = planting.encoded(Image.fromarray(PIXELS), "PNG")
    for fault, (kind, spoil) in planting.FILE_FAULTS.items():
        path = tmp_path / "image.png"
        path.write_bytes(spoil(data))

        stats = stats_of(path)

        try:
            images.read(path, path.name, 24)
            refused = None
        except DataError as error:
            refused = str(error)
        assert stats.reason == refused, fault
        if refused is not None:
            assert stats.fault == kind, fault


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_what_is_no_file_cannot_be_read(tmp_path, kind):
    path = tmp_path / "a.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)

    stats = stats_of(path)

    assert (stats.fault, stats.size) == ("unreadable", 0)
    assert stats.reason.startswith("a.png: ")


@pytest.fixture
def bomb(tmp_path):
    """An 80 MB file that claims 400 megapixels."""
    path = tmp_path / "bomb.png"
    path.write_bytes(planting.bomb(bytes(80_000_000)))
    return path


def test_a_bomb_is_judged_by_its_header_in_little_memory(bomb):
    example = example_of(bomb)
    tracemalloc.start()

    (stats,) = scan_images([example])

    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (stats.fault, stats.width, stats.height) == ("oversized", 20_000, 20_000)
    assert memory < 50_000_000


def test_a_bomb_is_not_decoded(bomb, monkeypatch):
    example = example_of(bomb)
    monkeypatch.setattr("dlmath.audit.scan.decode_upright", lambda *_: pytest.fail("decoded"))
    assert scan_images([example])[0].fault == "oversized"


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(5 * 2**30)  # a hole: it takes no room
    tracemalloc.start()

    stats = stats_of(path)

    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (stats.fault, stats.size) == ("oversized", 5 * 2**30)
    assert "5,120 MiB" in stats.reason
    assert memory < 50_000_000


def test_faults_and_facts_keep_the_order_of_the_examples(tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(40)]
    for number, path in enumerate(paths):
        if number % 7 == 3:
            path.write_bytes(b"")
        else:
            Image.new("L", (number + 1, 3)).save(path)

    stats = scan_images([example_of(path) for path in paths])

    assert [one.file for one in stats] == [path.name for path in paths]
    assert [one.width for one in stats if not one.fault] == [n + 1 for n in range(40) if n % 7 != 3]
    assert {one.fault for one in stats} == {None, "empty"}


def test_progress(tmp_path, recorder):
    Image.new("L", (3, 3)).save(tmp_path / "a.png")

    scan_images([example_of(tmp_path / "a.png")] * 3, reporter=recorder)

    assert [step[1:] for step in recorder.steps] == [(1, 3), (2, 3), (3, 3)]


def test_no_examples():
    assert scan_images([]) == []


def test_large_images_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    """Slow decoders that note how many of them run at once."""
    running, most = [], []
    measure = scan._measure

    def noted(data):
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()
        return measure(data)

    monkeypatch.setattr(scan, "_measure", noted)
    for number in range(6):
        Image.new("L", (40, 40), number).save(tmp_path / f"{number}.png")
    examples = [example_of(tmp_path / f"{number}.png") for number in range(6)]

    monkeypatch.setattr(scan, "_LARGE", 1600)
    scan_images(examples)

    assert most == [1] * 6


@pytest.mark.parametrize("number", [200, pytest.param(2_000, marks=pytest.mark.slow)])
def test_broken_files_neither_crash_nor_hang_nor_divide_the_readers(number):
    result = mutated_files.run(number)

    assert result["crashes"] == result["hangs"] == result["disagreements"] == []
    assert sum(result["faults"].values()) == number
    assert len(result["faults"]) >= 6


def table_of(quality, mode="L"):
    buffer = io.BytesIO()
    Image.new(mode, (8, 8)).save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).quantization[0]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_every_quality_of_libjpeg_is_read_back(mode):
    # Pillow takes 0 for its default of 75.
    assert [jpeg_quality(table_of(quality, mode)) for quality in range(1, 101)] == [*range(1, 101)]


def test_a_foreign_table_gets_the_nearest_quality():
    table = table_of(80)

    assert jpeg_quality([entry + number % 2 for number, entry in enumerate(table)]) in (79, 80)


def test_files_are_known_by_their_own_format_and_signs_of_lost_data(tmp_path):
    smooth = Image.fromarray(PIXELS).resize((96, 160), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "whole.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) * 3 // 4] + b"\xff\xd9")
    smooth.save(tmp_path / "a.tif", compression="tiff_lzw")
    deep = np.asarray(smooth.convert("L")).astype(np.uint16) * 16
    deep[0, 0] = 65535
    Image.fromarray(deep).save(tmp_path / "deep.png")

    whole, cut, tif, deep = (
        stats_of(tmp_path / name) for name in ("whole.jpg", "cut.jpg", "a.tif", "deep.png")
    )

    assert (whole.is_cut_short, whole.flat_share) == (False, 0)
    assert cut.is_cut_short
    assert cut.flat_share > 0.1
    assert (tif.format, tif.mode, tif.bits, tif.quality) == ("TIFF", "RGB", 8, None)
    assert (deep.format, deep.bits, deep.levels_lost) == ("PNG", 16, True)
