"""A second reading is matched to the data, counted by class, and refused where it is unclear."""

from pathlib import Path

import pytest

from dlmath.audit.reviews import check_review
from dlmath.data.sources import ImageRecord, read_sources
from dlmath.errors import DataError

CLASSES = ("Sick", "Well")


def example(file, label):
    return ImageRecord(file, Path(file), label, None, None, f"sha of {file}")


EXAMPLES = [
    *(example(f"cells.zip!/cells/Sick/s{index}.png", "Sick") for index in range(4)),
    *(example(f"cells.zip!/cells/Well/w{index}.png", "Well") for index in range(4)),
]


@pytest.fixture
def review(tmp_path):
    """Write a review of the given lines."""

    def write(*lines, header="file,review", encoding="utf-8"):
        path = tmp_path / "review.csv"
        path.write_text("\n".join([header, *lines]) + "\n", encoding=encoding)
        return path

    return write


def test_disputed_labels_are_counted_by_class_and_named(review):
    path = review(
        "cells/Sick/s0.png,True_sick",
        "cells/Sick/s1.png,False_sick",
        "Sick/s2.png,WELL",
        "s3.png,sick",
        "cells\\Well\\w0.png,true_Well",
        "elsewhere/cells.zip!/cells/Well/w1.png, Sick ",
        header="File, second reading",
        encoding="utf-8-sig",
    )
    (finding,) = check_review(EXAMPLES, CLASSES, path)
    assert finding.severity == "warning"
    assert [file[-6:] for file in finding.files] == ["s1.png", "s2.png", "w1.png"]
    assert (finding.figures["reviewed"], finding.figures["disputed"]) == (6, 3)
    assert finding.figures["classes"]["Sick"]["share"] == 0.5
    # Wilson's interval of 3 of 6, from its formula.
    z2 = 1.959963984540054**2
    reach = (z2 * (6 * 0.25 + z2 / 4)) ** 0.5 / (6 + z2)
    assert finding.figures["low"] == pytest.approx(0.5 - reach)
    assert finding.figures["high"] == pytest.approx(0.5 + reach)
    assert finding.message.startswith("A second reading disputes 3 of 6 labels, 50.0% (95 %")


def test_a_review_that_confirms_everything_is_a_note(review):
    (finding,) = check_review(EXAMPLES, CLASSES, review("s0.png,Sick", "w0.png,True_well"))
    assert (finding.severity, finding.advice, finding.groups) == ("note", "", ())


def test_names_that_are_not_in_the_data_are_told(review):
    found = check_review(EXAMPLES, CLASSES, review("s0.png,Sick", "Well/s1.png,Well", "x.png,Well"))
    assert found[0].figures["reviewed"] == 1
    assert (found[1].kind, found[1].severity) == ("review-of-other-files", "note")
    assert found[1].message.endswith("are not in the data: Well/s1.png, x.png.")


def test_a_review_of_other_data_is_refused(review):
    with pytest.raises(DataError, match=r"None of the 2 files of .*Received: x\.png, y\.png"):
        check_review(EXAMPLES, CLASSES, review("x.png,Well", "y.png,Well"))


@pytest.mark.parametrize("value", ["true", "True_well", "maybe", "False_"])
def test_a_reading_that_is_none_is_refused_with_those_that_are(review, value):
    path = review("s0.png,Sick", f"s1.png,{value}")
    with pytest.raises(DataError, match=f"line 3: .* True_Sick, False_Sick, Sick, Well.*'{value}'"):
        check_review(EXAMPLES, CLASSES, path)


def test_a_file_is_found_in_another_case_and_unicode_form_and_as_spelt_first(review):
    cells = [example("a/Zellä.png", "Sick"), example("A/x.png", "Sick"), example("a/x.png", "Well")]
    path = review("zella\u0308.PNG,well", "a/x.png,Sick", "A/x.png,Well")
    (finding,) = check_review(cells, CLASSES, path)
    assert finding.files == ("a/Zellä.png", "a/x.png", "A/x.png")


def test_a_name_of_several_files_and_a_file_of_two_names_are_refused(review):
    twins = [example("a/x.png", "Sick"), example("b/x.png", "Well")]
    with pytest.raises(DataError, match=r"line 2: x\.png may be any of a/x\.png, b/x\.png"):
        check_review(twins, CLASSES, review("x.png,Sick"))
    with pytest.raises(DataError, match=r"line 3: Sick/s0\.png is named twice"):
        check_review(EXAMPLES, CLASSES, review("s0.png,Sick", "Sick/s0.png,Well"))


@pytest.mark.parametrize(
    ("header", "line", "said"),
    [
        ("name,review", "s0.png,Sick", "header line and two columns"),
        ("file,review,by", "s0.png,Sick,me", "header line and two columns"),
        ("file,review", "s0.png,Sick,me", "line 2: 3 fields, where the header names 2 columns"),
        ("file,review", 's0.png,"Sick', "line 2: a quotation mark opens"),
        ("file,review", "s0.png", "line 2: expected a file and a reading"),
        ("file,review", "s0.png,", "line 2: expected a file and a reading"),
    ],
)
def test_another_table_is_refused(review, header, line, said):
    with pytest.raises(DataError, match=said):
        check_review(EXAMPLES, CLASSES, review(line, header=header))


def test_a_file_that_cannot_be_read_is_refused(tmp_path, review):
    with pytest.raises(DataError, match=r"Cannot read .*none\.csv: No such file"):
        check_review(EXAMPLES, CLASSES, tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"review\.csv, line 2: not a CSV in UTF-8"):
        check_review(EXAMPLES, CLASSES, review("é.png,Sick", encoding="latin-1"))


@pytest.mark.real_data
def test_the_experts_dispute_291_of_the_5416_cells(shared_data):
    dataset = read_sources([shared_data / "malaria"])
    path = shared_data / "malaria" / "malaria_expert_review.csv"
    (finding,) = check_review(dataset.examples, dataset.classes, path)
    assert finding.figures["reviewed"] == 5_416
    assert {name: one["disputed"] for name, one in finding.figures["classes"].items()} == {
        "Parasitized": 160,
        "Uninfected": 131,
    }
