import csv
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import DataError
from dlmath.evaluation.slice_groups import (
    UNKNOWN,
    TableColumn,
    by_column,
    by_kind,
    by_number,
    read_column,
)
from dlmath.recipe.table_columns import column_names


def _by_text(name, texts, **options):
    return by_column(TableColumn(name, texts, **options))


def as_lists(rows):
    return {name: chosen.tolist() for name, chosen in rows.items()}


def sizes(groups):
    return {name: len(chosen) for name, chosen in groups.rows.items()}


def test_a_kind_is_compared_on_all_images_of_the_other_class():
    files = [
        "train/PNEUMONIA/person1_bacteria_2.jpeg",
        "train/PNEUMONIA/person1_virus_9.jpeg",
        "train/NORMAL/IM-0001-0001.jpeg",
        "train/PNEUMONIA/person447_virus_921_1.jpeg",
    ]

    groups = by_kind(files, np.array([True, True, False, True]))

    assert as_lists(groups.rows) == {"bacteria": [0], "virus": [1, 3]}
    assert as_lists(groups.against) == {"bacteria": [2], "virus": [2]}


def test_positives_without_a_kind_belong_to_none():
    groups = by_kind(["a_virus_1.png", "b_1.png", "c_1.png"], np.array([True, True, False]))

    assert as_lists(groups.rows) == {"virus": [0]}
    assert as_lists(groups.against) == {"virus": [2]}


def test_a_kind_of_both_classes_is_compared_with_nothing():
    groups = by_kind(["a_virus_1.png", "b_virus_1.png", "c.png"], np.array([True, False, False]))

    assert as_lists(groups.rows) == {"virus": [0, 1]}
    assert groups.against == {}


@pytest.mark.parametrize("name", ["antivirus_1.png", "IM-0001.jpeg", "virus/a.png"])
def test_only_a_whole_word_of_the_file_name_is_a_kind(name):
    assert by_kind([name], np.array([True])) is None


@given(
    st.lists(st.integers(0, 40) | st.floats(2e7, 2e7 + 9), min_size=2, max_size=60),
    st.integers(2, 4),
)
def test_every_image_is_in_one_group_and_the_groups_are_in_order(values, parts):
    values = np.array(values, float)

    groups = by_number("brightness", values, parts=parts)

    if len(set(values)) < 2:
        assert groups is None
        return
    rows = list(groups.rows.values())
    assert sorted(np.concatenate(rows)) == list(range(len(values)))
    assert 2 <= len(rows) <= parts
    for lower, upper in itertools.pairwise(rows):
        assert values[lower].max() < values[upper].min()


def test_thirds_of_distinct_numbers_are_of_equal_size():
    groups = by_number("size", np.arange(300.0), "px")

    assert sizes(groups) == {"0 to 99 px": 100, "100 to 199 px": 100, "200 to 299 px": 100}


def test_where_most_numbers_are_the_largest_the_smaller_ones_are_a_group():
    groups = by_number("image size", np.array([224.0, 100.0, 224.0, 224.0, 150.0, 224.0, 224.0]))

    assert sizes(groups) == {"100 to 150": 2, "224": 5}


def test_whole_numbers_are_written_whole():
    groups = by_number("date", np.arange(20240101.0, 20240131.0))

    assert sizes(groups) == {
        "20240101 to 20240110": 10,
        "20240111 to 20240120": 10,
        "20240121 to 20240130": 10,
    }


def test_groups_that_read_alike_in_four_digits_get_more_of_them():
    groups = by_number("brightness", np.array([100.01, 100.02, 100.03]))

    assert list(groups.rows) == ["100.01", "100.02", "100.03"]


def test_numbers_that_are_not_known_are_a_group_of_their_own():
    groups = by_number("age", np.array([1.0, np.nan, 2.0]))

    assert groups.rows[UNKNOWN].tolist() == [1]


def test_a_column_of_texts_has_a_group_for_each():
    groups = _by_text("sex", ["f", "m", "", " f"])

    assert as_lists(groups.rows) == {
        "f": [0, 3],
        "m": [1],
        UNKNOWN: [2],
    }


def test_a_column_of_many_numbers_is_divided_into_thirds():
    groups = _by_text("age", [str(age) for age in range(90)])

    assert list(sizes(groups).values()) == [30, 30, 30]


def test_a_column_of_names_is_refused():
    with pytest.raises(DataError, match="'name' has 30 different texts"):
        _by_text("name", [f"p{number}" for number in range(30)])


def test_a_column_that_is_all_alike_divides_nothing():
    assert _by_text("site", ["A", "A"]) is None


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    with path.open("w", newline="") as lines:
        csv.writer(lines).writerows([["File", "Age"], ["a/1.png", "3"], ["a/2.png", "4"]])
    return path


def test_a_column_is_read_by_file_and_without_the_name_of_the_archive(table):
    assert read_column(table, "AGE", ["cells.zip!/a/2.png", "a/1.png", "b.png"]).texts == [
        "4",
        "3",
        "",
    ]


def test_a_missing_value_is_not_known_and_a_name_is_found_in_another_spelling(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("file;site\nA/1.png;NaN\na/2.png;None\nzella\u0308.png;B\n", "utf-8-sig")
    assert read_column(path, "Site", ["a/1.png", "a/2.png", "Zellä.png"]).texts == ["", "", "B"]


def test_names_that_differ_in_case_are_told_apart_where_both_are_there(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("file,site\nX.png,A\nx.png,B\n")
    assert read_column(path, "site", ["x.png", "X.png", "x.PNG"]).texts == ["B", "A", ""]


def test_two_values_of_one_file_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("file,site\nx.png,A\nx.png,A\nx.png,B\n")
    with pytest.raises(DataError, match=r"line 4: x\.png is there before with another site, 'A'"):
        read_column(path, "site", ["x.png"])


def test_an_unknown_column_is_refused_with_the_nearest(table):
    with pytest.raises(DataError, match="no column 'ages'.*'age'"):
        read_column(table, "ages", ["a/1.png"])


def test_a_table_of_other_images_is_refused(table):
    with pytest.raises(DataError, match=r"knows none of the 1 images.*x.png"):
        read_column(table, "age", ["x.png"])


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="Cannot read"):
        read_column(tmp_path / "none.csv", "age", ["a"])


DOSES = [f"{number},5" for number in range(29)]


@pytest.mark.parametrize(("separator", "ending"), [(";", "csv"), ("\t", "tsv")])
def test_numbers_with_decimal_commas_are_read_as_a_european_table_writes_them(
    tmp_path, separator, ending
):
    path = tmp_path / f"doses.{ending}"
    rows = [f"{row}.png{separator}{dose}" for row, dose in enumerate([*DOSES, "1.234,5"])]
    path.write_text("\n".join([f"file{separator}dose", *rows]))
    column = read_column(path, "dose", [f"{row}.png" for row in range(30)])
    groups = by_column(column)
    assert sizes(groups) == {"0.5 to 9.5": 10, "10.5 to 19.5": 10, "20.5 to 1234": 10}
    assert groups.note == "The column 'dose' is read with decimal commas: 0,5 is 0.5."


def test_decimal_commas_between_commas_or_among_other_texts_are_texts(tmp_path):
    path = tmp_path / "doses.csv"
    path.write_text("file,dose\n" + "\n".join(f'"{d}.png","{d}"' for d in DOSES))
    assert not read_column(path, "dose", ["1,5.png"]).decimal_comma
    for texts in (DOSES, [*DOSES, "1,2,3"], [*DOSES, "much"], [*DOSES, "1.5"]):
        with pytest.raises(DataError, match="different texts"):
            _by_text("dose", texts, decimal_comma=texts is not DOSES)


def test_points_stay_points_and_few_numbers_stay_the_texts_that_they_are():
    groups = _by_text("age", [f"{age}.5" for age in range(30)], decimal_comma=True)
    assert (next(iter(groups.rows)), groups.note) == ("0.5 to 9.5", "")
    assert list(_by_text("dose", ["1,5", "2,5"], decimal_comma=True).rows) == ["1,5", "2,5"]


def test_a_group_that_is_called_none_is_one_where_only_blank_is_missing(table):
    table.write_text("file,smoker\na/1.png,None\na/2.png,\n")
    files = ["a/1.png", "a/2.png"]
    assert read_column(table, "smoker", files).texts == ["", ""]
    assert read_column(table, "smoker", files, column_names(["missing="])).texts == ["None", ""]
