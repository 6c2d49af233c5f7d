import pytest

from dlmath.data.sources import read_sources
from dlmath.data.tables import read_table
from dlmath.errors import DataError

HEADER = "file,class,patient,split\n"


@pytest.fixture
def write_table(tmp_path, write_images):
    root = write_images(tmp_path, ["img/1.png", "img/2.jpeg", "img/3.png"])

    def write(text, encoding="utf-8"):
        (root / "table.csv").write_text(text, encoding=encoding)
        return root / "table.csv"

    return write


def test_all_columns(write_table):
    table = write_table(
        HEADER + "img/1.png,sick,ann,train\nimg/2.jpeg,well,,test\nimg/3.png,well,bob,\n"
    )
    found = read_table(table).files
    assert [(f.file, f.label, f.part, f.patient) for f in found] == [
        ("img/1.png", "sick", "train", "ann"),
        ("img/2.jpeg", "well", "test", None),
        ("img/3.png", "well", None, "bob"),
    ]
    assert all(f.path == table.parent / f.file for f in found)


def test_other_columns_order_case_and_a_byte_order_mark_do_not_matter(write_table):
    table = write_table("Class, FILE ,age\nsick,img\\1.png,3\nwell,./img/2.jpeg\n", "utf-8-sig")
    assert [(f.file, f.label) for f in read_table(table).files] == [
        ("img/1.png", "sick"),
        ("img/2.jpeg", "well"),
    ]


def test_validation_is_kept_and_val_joins_training(write_table):
    table = write_table(
        HEADER + "img/1.png,sick,,validation\nimg/2.jpeg,well,,val\nimg/3.png,well,,Train\n"
    )
    assert [e.part for e in read_sources([table]).examples] == ["validation", "train", "train"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"lacks file, class"),
        ("path,class\nimg/1.png,sick\n", r"lacks file\. Received: 'path,class'"),
        ("file;class\nimg/1.png;sick\n", r"lacks file, class\. Received: 'file;class'"),
        (HEADER + "img/1.png,sick,,\nimg/2.jpeg,,,\n", r"line 3: the column 'class' is blank"),
        (HEADER + "img/1.png,sick,,tset\n", r"line 2: `split` .*Did you mean 'test'\?"),
        (HEADER + "img/1.png,a,,\nimg/1.png,b,,\n", r"names more than once: img/1\.png\."),
        (HEADER + "img/9.png,sick,,\n", r"not there: img/9\.png\."),
        (HEADER + "table.csv,sick,,\n", r"neither end in .* nor are DICOM: table\.csv"),
        (HEADER + "/img/1.png,sick,,\n", r"relative to the CSV's folder"),
        (HEADER + "C:\\img\\1.png,sick,,\n", r"relative to the CSV's folder"),
    ],
)
def test_faults_are_named(write_table, text, message):
    with pytest.raises(DataError, match=message):
        read_table(write_table(text))


def test_another_encoding_is_one_message(write_table):
    with pytest.raises(DataError, match="not a CSV in UTF-8"):
        read_table(write_table("file,class\nimg/1.png,fièvre\n", "latin-1"))


def test_a_table_without_rows_is_data_without_images(write_table):
    with pytest.raises(DataError, match="No image in a class folder"):
        read_sources([write_table(HEADER)])
