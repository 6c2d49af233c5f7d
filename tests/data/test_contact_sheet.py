from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlmath.data.contact_sheet import COLUMNS, TILE, choose, write_contact_sheet
from dlmath.data.sources import Dataset, ImageRecord, read_sources
from dlmath.errors import DataError, UserError
from dlmath.recipe import Recipe

RED, BLUE = (200, 0, 0), (0, 0, 200)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Ten red and three blue images; the last blue one is damaged."""
    for name, colour, count in (("ill", RED, 10), ("well", BLUE, 3)):
        folder = tmp_path / "tree" / name
        folder.mkdir(parents=True)
        for number in range(count):
            shade = (*colour[:1], number, *colour[2:])  # no two files of equal bytes
            Image.new("RGB", (300, 120), shade).save(folder / f"p{number // 2}_{number}.png")
    (tmp_path / "tree" / "well" / "p1_2.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return read_sources([tmp_path / "tree"], patient_rules=(r"^(?P<patient>p\d+)_",))


def count_tiles(sheet: Image.Image, colour: tuple[int, int, int]) -> float:
    """How many tiles of 300 x 120 pixels, made as small as a tile, have this colour."""
    near = np.abs(np.asarray(sheet).astype(int) - colour).max(axis=2) <= 12
    return near.sum() / (TILE * (TILE * 120 // 300))


def test_a_sheet_shows_so_many_of_each_class(dataset, tmp_path):
    out = write_contact_sheet(dataset, tmp_path / "sheet.png", per_class=4)

    with Image.open(out) as sheet:
        assert count_tiles(sheet, RED) == pytest.approx(4, abs=0.3)
        assert count_tiles(sheet, BLUE) == pytest.approx(2, abs=0.3)
        assert count_tiles(sheet, (221, 221, 221)) > 0.9  # the damaged one


def test_more_images_than_columns_take_another_row(dataset, tmp_path):
    with Image.open(write_contact_sheet(dataset, tmp_path / "a.png", per_class=COLUMNS)) as one_row:
        lower = one_row.height
    with Image.open(write_contact_sheet(dataset, tmp_path / "b.png", per_class=10)) as two_rows:
        assert two_rows.height > lower + TILE
        assert count_tiles(two_rows, RED) == pytest.approx(10, abs=0.3)


def test_one_seed_chooses_the_same_images(dataset, tmp_path):
    sheets = [
        write_contact_sheet(
            dataset, tmp_path / f"{number}.png", per_class=3, seed=seed
        ).read_bytes()
        for number, seed in enumerate((0, 0, 1))
    ]

    assert sheets[0] == sheets[1] != sheets[2]


def test_patients_take_turns():
    examples = [
        ImageRecord(f"{patient}{number}", Path("x"), "ill", None, patient, "")
        for patient in "abc"
        for number in range(5)
    ]

    chosen = Counter(example.patient for example in choose(examples, 6, 0))

    assert chosen == {"a": 2, "b": 2, "c": 2}


def test_what_cannot_be_drawn_or_written_is_said(dataset, tmp_path):
    with pytest.raises(DataError, match="per_class=0"):
        write_contact_sheet(dataset, tmp_path / "sheet.png", per_class=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--out"):
        write_contact_sheet(dataset, tmp_path / "file" / "sheet.png")


def test_an_augmented_sheet_shows_the_borders_of_other_images(dataset, tmp_path):
    recipe = Recipe(name="x", image_size=64, border_swap=1.0, region_width=0.4, region_height=0.4)

    plain = write_contact_sheet(dataset, tmp_path / "plain.png", per_class=3)
    out = write_contact_sheet(dataset, tmp_path / "sheet.png", per_class=3, augmented=recipe)

    with Image.open(out) as sheet, Image.open(plain) as before:
        assert sheet.size == before.size
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    mixed = (pixels[..., 0] > 40) & (pixels[..., 0] < 180) & (pixels[..., 2] > 40)
    assert mixed.any()  # between red and blue, on the edge of a swapped region
    again = write_contact_sheet(dataset, tmp_path / "again.png", per_class=3, augmented=recipe)
    assert again.read_bytes() == out.read_bytes()


def test_a_recipe_that_augments_nothing_has_no_augmented_sheet(dataset, tmp_path):
    with pytest.raises(DataError, match="The recipe of x augments nothing"):
        write_contact_sheet(dataset, tmp_path / "sheet.png", augmented=Recipe(name="x"))
    assert not (tmp_path / "sheet.png").exists()
