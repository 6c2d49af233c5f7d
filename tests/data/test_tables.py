import pytest

from dlmath.data.sources import read_sources
from dlmath.data.tables import read_table
from dlmath.errors import DataError
from dlmath.models.own_images import is_own_images
from dlmath.recipe.table_columns import column_names

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
        ("bild;class\nimg/1.png;sick\n", r"lacks file\. Received: 'bild,class'.*file=bild"),
        ("file|class\nimg/1.png|sick\n", r"lacks file, class\. Received: 'file|class'"),
        (
            HEADER + "img/1.png,sick,,\nimg/2.jpeg,,,\n",
            r"line 3: the column 'class' has no value in 1 row",
        ),
        (
            HEADER + "img/1.png,NaN,,\nimg/2.jpeg,a,,\nimg/3.png,NaN,,\n",
            r"line 2, 4: the column 'class' has no value in 2 rows.*Received: 'NaN'",
        ),
        (HEADER + "img/1.png,infiltrate, mild,,\n", r"line 2: 5 fields, .* 4 columns"),
        (HEADER + 'img/1.png,"a,,\nimg/2.jpeg,b",,\n', r"line 2: a quotation mark opens"),
        ("file,class,class\nimg/1.png,a,b\n", r"line 1: several columns have one name: class"),
        (HEADER + "img/1.png,a,,\nIMG/1.png,b,,\n", r"names more than once: img/1\.png, IMG"),
        (HEADER + "img/1.png,sick,,tset\n", r"line 2: `split` .*Did you mean 'test'\?"),
        (HEADER + "img/1.png,a,,\nimg/1.png,b,,\n", r"names more than once: img/1\.png\."),
        (HEADER + "img/9.png,sick,,\n", r"not there: img/9\.png\."),
        (
            HEADER + "table.csv,sick,,\n",
            r"no image of a format that is read \(JPEG, .*, DICOM\): table\.csv",
        ),
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


@pytest.mark.parametrize("patient", ["", "NaN", "NA", "None", "null", "unknown", "Anonymous"])
def test_a_patient_that_is_missing_is_none(write_table, patient):
    table = write_table(HEADER + f"img/1.png,a,{patient},\nimg/2.jpeg,b,{patient},NaN\n")
    assert [f.patient for f in read_table(table).files] == [None, None]


def test_names_in_another_case_and_unicode_form_are_found_and_said(write_table, write_images):
    table = write_table("file,class\nIMG/1.PNG,a\nzella\u0308.png,b\n")
    write_images(table.parent, ["zellä.png"])
    contents = read_table(table)
    assert [f.path.name for f in contents.files] == ["1.png", "zellä.png"]
    (warning,) = contents.warnings
    assert "spells 2 files in another case or Unicode form than on disk" in warning
    assert [e.file for e in read_sources([table]).examples] == ["IMG/1.PNG", "zellä.png"]


def test_two_unicode_forms_of_a_class_are_one(write_table):
    table = write_table("file,class\nimg/1.png,gesünd\nimg/2.jpeg,gesu\u0308nd\nimg/3.png,krank\n")
    dataset = read_sources([table])
    assert dataset.classes == ("gesünd", "krank")
    assert [w for w in dataset.warnings if "class" in w] == [
        "One class is written in 2 ways, in case or Unicode form, and taken as one: "
        r"'gesu\u0308nd', 'ges\xfcnd'."
    ]


GERMAN = "Bild;Befund;Patient Nr\nimg/1.png;krank;3\nimg/2.jpeg;gesund;NaN\n"


def test_columns_may_have_other_names(write_table):
    columns = column_names(["file=BILD", "class=Befund", "patient=Patient Nr"])
    found = read_table(write_table(GERMAN), columns).files
    assert [(f.file, f.label, f.patient) for f in found] == [
        ("img/1.png", "krank", "3"),
        ("img/2.jpeg", "gesund", None),
    ]


def test_a_table_with_other_columns_says_how_to_name_them(write_table):
    with pytest.raises(DataError, match=r"lacks file, class.*--columns file=Bild,class=NAME$"):
        read_table(write_table(GERMAN))
    with pytest.raises(DataError, match=r"--columns 'file=Bild Nr,class=Befund'$"):
        read_table(write_table("Bild Nr;Befund\nimg/1.png;krank\n"))


def test_columns_that_are_not_there_are_refused_unless_they_are_only_likely(write_table):
    names = ["file=Bild", "class=Klasse"]
    with pytest.raises(DataError, match=r"no column 'Klasse', which --columns names for class"):
        read_table(write_table(GERMAN), column_names(names))
    usual = write_table("file,class\nimg/1.png,sick\n")
    assert read_table(usual, column_names(names, likely=True)).files[0].label == "sick"


def test_columns_without_a_csv_are_refused(tmp_path, write_images):
    write_images(tmp_path, ["a/1.png", "b/1.png"])
    with pytest.raises(DataError, match=r"--columns names the columns of a CSV, and there is none"):
        read_sources([tmp_path], columns=column_names(["file=Bild"]))


def test_a_table_may_end_in_tsv(write_table):
    table = write_table("file\tclass\nimg/1.png\tsick\nimg/2.jpeg\twell\n")
    tabs = table.rename(table.with_suffix(".tsv"))
    assert is_own_images(tabs)
    assert [e.label for e in read_sources([tabs]).examples] == ["sick", "well"]


@pytest.mark.parametrize("name", ["None", "NA", "nan"])
def test_a_class_called_as_a_missing_value_is_one_where_only_blank_is_missing(write_table, name):
    table = write_table(HEADER + f"img/1.png,{name},ann,\nimg/2.jpeg,sick,NA,\n")
    with pytest.raises(DataError, match=f"If '{name}' is a name here.*--columns missing=") as error:
        read_table(table)
    assert "line 2: the column 'class' has no value in 1 row" in str(error.value)
    found = read_table(table, column_names(["missing="])).files
    assert [(one.label, one.patient) for one in found] == [(name, "ann"), ("sick", None)]


def test_the_command_that_says_so_keeps_the_other_columns(write_table):
    table = write_table("Image,Label\nimg/1.png,None\n")
    with pytest.raises(DataError, match="--columns file=Image,class=Label,missing="):
        read_table(table, column_names(["file=Image", "class=Label"]))


def test_a_blank_class_is_refused_whatever_stands_for_no_value(write_table):
    table = write_table("file,class\nimg/1.png,\nimg/2.jpeg,?\n")
    with pytest.raises(DataError, match="No value is known where a cell is blank, '?'") as error:
        read_table(table, column_names(["missing=?"]))
    assert "line 2, 3" in str(error.value)


def test_images_without_classes_need_no_column_for_them(write_table):
    table = write_table("file,patient\nimg/1.png,ann\nimg/2.jpeg,\n")
    found = read_table(table, need_classes=False).files
    assert [(one.file, one.label, one.patient) for one in found] == [
        ("img/1.png", "", "ann"),
        ("img/2.jpeg", "", None),
    ]
    with pytest.raises(DataError, match="columns file,class and, if known, patient,split; it "):
        read_table(table)
    with pytest.raises(DataError, match="column 'Label', which --columns names for class"):
        read_table(table, column_names(["class=Label"]), need_classes=False)
    written = write_table("Image,class\nimg/1.png,\nimg/2.jpeg,sick\n")
    run = column_names(["file=Image", "class=Label"], likely=True)  # as a run's own table has them
    assert [one.label for one in read_table(written, run, need_classes=False).files] == ["", "sick"]
