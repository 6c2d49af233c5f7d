import pytest

from dlmath.data.class_spelling import alike_classes, merged_classes, spelling_of
from dlmath.errors import DataError


def spelling(names, wanted=(), empty=()):
    return spelling_of(names, empty=empty, wanted=wanted, where="data")


def test_the_recipes_spelling_and_order_hold():
    assert list(spelling({"NORMAL", "sick"}, ["Sick", "normal"]).items()) == [
        ("sick", "Sick"),
        ("normal", "normal"),
    ]


def test_without_a_recipe_the_first_spelling_of_the_alphabet_holds():
    assert spelling({"normal", "Normal", "sick"}) == {"normal": "Normal", "sick": "sick"}


def test_a_class_of_the_recipe_may_be_absent_from_the_data():
    assert set(spelling({"a", "b"}, ["a", "b", "c"])) == {"a", "b", "c"}


def test_unicode_forms_and_case_are_one_class_and_that_is_said():
    names = {"gesünd", "Gesu\u0308nd", "krank"}
    assert spelling(names) == {"gesünd": "Gesünd", "krank": "krank"}
    assert list(merged_classes(names)) == [
        "One class is written in 2 ways, in case or Unicode form, and taken as one: "
        "'Gesu\u0308nd', 'gesünd'."
    ]
    assert list(merged_classes({"a", "b"})) == []


@pytest.mark.parametrize(
    ("names", "wanted", "empty", "message"),
    [
        ({"a"}, (), (), "at least two classes"),
        ({"a", "A"}, (), (), "at least two classes"),
        ({"a", "b", "c", "d"}, ("a", "b"), (), r"does not name: c, d\."),
        ({"a", "b"}, (), ("c",), "without an image: c"),
        ({"a", "b"}, ("a", "b", "c"), ("C", "notes"), r"without an image: C\."),
    ],
)
def test_faults_are_named(names, wanted, empty, message):
    with pytest.raises(DataError, match=message):
        spelling(names, wanted, empty)


def test_classes_that_look_alike_are_doubted_and_those_taken_as_one_are_not():
    names = {"1", "1.0", "01", "No Finding", "no-finding", "sick", "Sick"}
    assert list(alike_classes(names)) == [
        "3 classes look alike, and count as different: '01', '1', '1.0'. If they are one class, "
        "write them alike.",
        "2 classes look alike, and count as different: 'No Finding', 'no-finding'. If they are "
        "one class, write them alike.",
    ]
    assert list(alike_classes({"sick", "Sick", "2"})) == []
