"""A table is read in the one way that its writer meant, or refused with the line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.data.strict_csv import read_csv, read_own_csv
from dlmath.errors import DataError
from dlmath.runs import write_csv


@pytest.fixture
def read(tmp_path):
    def read(text, encoding="utf-8"):
        path = tmp_path / "t.csv"
        path.write_bytes(text.encode(encoding))
        return read_csv(path)

    return read


def cells(table):
    return [list(row.values.values()) for row in table.rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_encodings_and_line_ends_are_found_out(read, delimiter, encoding, end):
    lines = ["Datei,Größe", "a.png,3", ",", "b.png,4", ""]
    table = read(end.join(lines).replace(",", delimiter), encoding)
    assert table.columns == ("Datei", "Größe")
    assert cells(table) == [["a.png", "3"], ["b.png", "4"]]
    assert [row.line for row in table.rows] == [2, 4]


def test_the_separator_line_of_excel_is_none_of_the_rows(read):
    table = read("sep=;\r\nfile;class,as seen\r\na.png;x,y\r\n")
    assert (table.columns, cells(table)) == (("file", "class,as seen"), [["a.png", "x,y"]])
    assert table.rows[0].line == 3


def test_a_text_in_quotation_marks_holds_delimiters_marks_and_line_breaks(read):
    table = read('file,note\na.png,"mild, 5"" wide\nand dark"\nb.png,fine\n')
    assert cells(table) == [["a.png", 'mild, 5" wide\nand dark'], ["b.png", "fine"]]
    assert [row.line for row in table.rows] == [2, 4]


def test_a_mark_within_a_text_without_marks_is_a_character(read):
    assert cells(read('file,note\na.png,5" wide\n')) == [["a.png", '5" wide']]


def test_fields_that_lack_at_the_end_are_blank(read):
    table = read("file,class,\na.png,x,\nb.png\n,,\n")
    assert cells(table) == [["a.png", "x", ""], ["b.png", "", ""]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('file,note\na,1\nb,"5 inch\nc,2\n', r"line 3: a quotation mark opens"),
        ('file,note\nb,"5 inch\nc,2\nd,"also\n', r"line 2: a quotation mark opens"),
        ('f,c,note\na,x,"5 inch\nb,y,2\nc,z,also"\n', r"line 2: .* goes on to line 4, over what"),
        ('f,c,note\na,x,"5 inch\nb,y,also"\n', r"line 2: .* goes on to line 3, over what"),
        ("f,c\na,x, mild\n", r"line 2: 3 fields, .* 2 columns; 'mild' is one too many.*a comma"),
        ("f;c\na;x;\n", r"a blank one is one too many.*take away the semicolon at the end"),
        ("f,c\na,x\nb\0,y\n", r"line 3: a NUL character"),
        ("f;c\na;x;mild\n", r"line 2: 3 fields.*a semicolon"),
        ("f,c,C\na,x,y\n", r"line 1: several columns have one name: c, C\."),
        ("\n\nf,gesünd,gesu\u0308nd\n", r"line 3: several columns"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_the_line(read, text, message):
    with pytest.raises(DataError, match=r"t\.csv, .*" + message):
        read(text)


def test_another_encoding_is_refused_with_the_line(read):
    with pytest.raises(DataError, match=r"line 2: not a CSV in UTF-8.*CSV UTF-8"):
        read("file,class\na.png,fièvre\n", "cp1252")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"Cannot read .*none\.csv: No such file"):
        read_csv(tmp_path / "none.csv")


def test_an_empty_file_has_no_columns(read):
    assert (read("").columns, read("").rows) == ((), [])


words = st.text(st.characters(codec="utf-8", exclude_characters='\r\n"\0'), max_size=6)


@given(
    rows=st.lists(st.lists(words, min_size=3, max_size=3), max_size=5),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_writer_wrote_is_read(tmp_path_factory, rows, delimiter, quoting):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting)
    writer.writerows([["file", "class", "note"], *rows])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(text.getvalue().encode())
    wanted = [[field.strip() for field in row] for row in rows]
    assert cells(read_csv(path)) == [row for row in wanted if any(row)]


@given(st.lists(st.fixed_dictionaries({"a": words, "b": st.text(st.characters(codec="utf-8"))})))
def test_our_own_tables_are_read_as_they_were_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("own") / "t.csv"
    write_csv(path, ["a", "b"], rows)
    assert read_own_csv(path) == rows


def test_a_table_of_our_own_that_lost_a_field_is_damaged(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3\n")
    with pytest.raises(ValueError, match="line 3: 1 field"):
        read_own_csv(path)
