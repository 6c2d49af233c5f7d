import pytest

from dlmath.errors import RecipeError
from dlmath.recipe.table_columns import column_names, split_columns


def test_columns_are_named_one_by_one_or_together():
    together = split_columns(["file=Image Index,class=Finding, as seen,patient=Patient ID"])
    assert together == ("file=Image Index", "class=Finding, as seen", "patient=Patient ID")
    assert split_columns(together) == together
    assert column_names(together).names == {
        "file": "Image Index",
        "class": "Finding, as seen",
        "patient": "Patient ID",
    }


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (["clas=x"], "Did you mean 'class'.*Received: 'clas=x'"),
        (["file"], "must say which column is which"),
        (["file="], "must say which column is which"),
        (["file=a", "file=b"], "names the column file twice.*'a', 'b'"),
    ],
)
def test_what_names_no_column_is_refused(written, message):
    with pytest.raises(RecipeError, match=message):
        column_names(written)


def test_what_stands_for_no_value_is_said_with_the_columns():
    usual = column_names(["file=Image"])
    assert [usual.is_missing(cell) for cell in ("", " ", "NA", "None", "-")] == [True] * 4 + [False]
    only_blank = column_names(split_columns(["class=Label,missing="]))
    assert [only_blank.is_missing(cell) for cell in (" ", "NA", "None")] == [True, False, False]
    marked = column_names(split_columns(["missing=-,missing=n.d."]))
    assert [marked.is_missing(cell) for cell in ("", "-", "N.D.", "NA")] == [True] * 3 + [False]
    for one in (usual, only_blank, marked):
        assert column_names(one.written) == one
