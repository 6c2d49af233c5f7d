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
