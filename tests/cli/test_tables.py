import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from dlmath.cli.counts import counts_table
from dlmath.cli.evaluation_tables import confusion_table
from dlmath.cli.tables import Column, Table
from dlmath.data.summary import Share

FILMS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema"),
    *("Fibrosis", "Hernia", "Infiltration", "Mass", "Nodule", "Pleural_Thickening"),
    *("Pneumonia", "Pneumothorax", "No Finding"),
)
WIDTHS = (20, 40, 80, 160)


def printed(table, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    return text


def confusion_of(classes: int) -> list[list[int]]:
    return [[1_000 * row + column for column in range(classes)] for row in range(classes)]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("classes", [2, 15, 200])
def test_no_count_is_cut_whatever_the_classes_and_the_width(classes, width):
    names = tuple((FILMS * 14)[place] + f" {place}" for place in range(classes))
    images = {name: 1_000_000 + place for place, name in enumerate(names)}
    parts = {part: Share(images, 12_345) for part in ("train", "validation", "test")}
    shown = printed(counts_table("Split", names, parts), width)
    assert shown.count("12,345") == 3
    for count in images.values():
        assert shown.count(f"{count:,}") == 3
    assert "…" not in shown


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("classes", [2, 15, 200])
def test_the_confusion_matrix_names_every_class_and_what_is_right(classes, width):
    names = [f"{name} {place}" for place, name in enumerate((FILMS * 14)[:classes])]
    confusion = confusion_of(classes)
    shown = printed(confusion_table(names, confusion, width), width)
    assert "…" not in shown
    for place, row in enumerate(confusion):
        assert f"{row[place]:,}" in shown
        if classes > 2:
            assert f"{sum(row):,}" in shown


def test_a_matrix_without_room_says_what_a_class_is_mostly_taken_for():
    confusion = [[5, 0, 2, 0, 3], *([0] * 5 for _ in range(4))]
    shown = printed(confusion_table(FILMS[:5], confusion, 60), 60)
    [row] = (line for line in shown.splitlines() if line.startswith("Atelectasis"))
    assert re.split(r" {2,}", row.strip()) == [
        "Atelectasis",
        "10",
        "5",
        "Effusion 3, Consolidation 2",
    ]


def test_parts_without_images_and_unknown_patients_take_no_room():
    parts = {"train": Share({"a": 3, "b": 4}, None), "left_out": Share({"a": 0, "b": 0}, None)}
    shown = printed(counts_table("Split", ("a", "b"), parts), 80)
    assert "left_out" not in shown
    assert "patients" not in shown
    assert "7" in shown


@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=6),
    st.text(max_size=60),
    st.integers(20, 100),
)
def test_numbers_are_whole_in_every_width(numbers, name, width):
    columns = [Column(f"heading {place}", number=True) for place in range(len(numbers))]
    table = Table("name", *columns, lined=True)
    table.add(name, *(f"{number:,}" for number in numbers))
    shown = printed(table, width)
    for number in numbers:
        assert f"{number:,}" in shown


def test_names_show_control_characters_and_take_no_markup():
    table = Table("class", Column("\x1b[2Jimages", number=True), title="\x1b]0;owned\x07")
    table.add("\x1b[31mpos\nError: no", "1")
    table.add("[bold]b[/bold]", Text("\x9b2", "red"))
    shown = printed(table, 80)
    assert r"\x1b[31mpos\nError: no" in shown
    assert "[bold]b[/bold]" in shown
    assert r"\x9b2" in shown
    assert r"\x1b]0;owned\x07" in shown
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)


def test_what_may_be_missing_goes_before_what_may_not():
    table = Table(
        Column("run", whole=True), Column("backbone", optional=True), Column("AUC", number=True)
    )
    table.add("pneumonia-20260101T120000Z", "efficientnet_lite0", "0.995")
    assert "efficientnet_lite0" in printed(table, 80)
    narrow = printed(table, 36)
    assert "efficientnet_lite0" not in narrow
    assert "pneumonia-20260101T120000Z  0.995" in narrow


def test_rows_become_blocks_where_columns_have_no_room():
    table = Table("part", Column("a long heading", number=True), Column("images", number=True))
    table.add("validation", "123,456,789", "12")
    assert [line.rstrip() for line in printed(table, 24).splitlines()] == [
        "part validation",
        "  a long heading",
        "123,456,789",
        "  images 12",
    ]


def test_columns_of_the_same_heading_keep_their_own_cells():
    table = Table("", Column("", whole=True), "")
    table.add("what was computed", "1.514 <= 1e-09", "no")
    assert printed(table, 80).split("  ") == ["what was computed", "1.514 <= 1e-09", "no\n"]


def test_an_empty_table_shows_its_headings():
    assert printed(Table("one", "two"), 80).split() == ["one", "two"]


def test_what_may_be_missing_goes_before_a_word_of_it_is_broken():
    table = Table(Column("run", whole=True), Column("backbone", optional=True))
    table.add("pneumonia-20260101T120000Z", "efficientnet_lite0 EfficientNetB0")
    for width in range(30, 60):
        lines = [line.rstrip() for line in printed(table, width).splitlines()]
        assert width < 46 or "pneumonia-20260101T120000Z  efficientnet_lite0" in lines[1]
        assert width >= 46 or lines == ["run", "pneumonia-20260101T120000Z"]
