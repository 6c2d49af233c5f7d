"""Rare classes and few patients are warned of; even data are noted and no more."""

from pathlib import Path

import pytest

from dlmath.audit.balance import check_balance
from dlmath.data.sources import ImageRecord


def images(label, number, part=None, patients=None, prefix=""):
    return [
        ImageRecord(
            f"{part}/{label}/{index}.png",
            Path("x"),
            label,
            part,
            None if patients is None else f"{prefix or label}{index % patients}",
            f"{part} {label} {index}",
        )
        for index in range(number)
    ]


def found(examples, classes=("a", "b")):
    return {finding.kind: finding for finding in check_balance(examples, classes)}


def test_even_classes_are_noted_with_all_counts():
    findings = found([*images("a", 40, patients=20), *images("b", 30)])
    assert findings.keys() == {"class-balance"}
    balance = findings["class-balance"]
    assert (balance.severity, balance.message) == ("note", "Images by class: a 40, b 30.")
    assert balance.figures["patients"] == {"a": 20, "b": None}  # not known


def test_where_no_patient_is_known_images_are_counted_not_patients():
    findings = found([*images("a", 9), *images("b", 12)])
    few = findings["few-patients"]
    assert few.message == "Fewer than 10 images of a class: a 9."
    assert few.advice.startswith("Add images: with so few")
    assert few.figures == {"images": {"a": 9}}


def test_parts_are_counted_too():
    balance = found([*images("a", 40, patients=20), *images("b", 30)])["class-balance"]
    assert balance.figures["parts"]["all"]["images"] == {"a": 40, "b": 30}


@pytest.mark.parametrize(("rare", "severity"), [(21, "note"), (20, "warning"), (0, "warning")])
def test_a_tenth_of_the_largest_class_is_rare(rare, severity):
    balance = found([*images("a", 200), *images("b", rare)])["class-balance"]
    assert balance.severity == severity
    if rare == 20:
        assert "right for 91%" in balance.message


def test_few_patients_of_a_class_are_named_however_many_images_they_have():
    few = found([*images("a", 300, patients=9), *images("b", 300, patients=10)])["few-patients"]
    assert few.severity == "warning"
    assert few.figures["patients"] == {"a": 9}


def test_parts_with_other_shares_are_noted():
    examples = [*images("a", 74, "train"), *images("b", 26, "train")]
    other = [*images("a", 62, "test"), *images("b", 38, "test")]
    assert "a is 74% of train, 62% of test" in found([*examples, *other])["parts-differ"].message
    alike = [*images("a", 66, "test"), *images("b", 34, "test")]
    assert "parts-differ" not in found([*examples, *alike])
    tiny = [*images("a", 5, "test"), *images("b", 10, "test")]
    assert "parts-differ" not in found([*examples, *tiny])


def test_patients_of_both_classes_are_counted():
    examples = [
        *images("a", 30, patients=15, prefix="p"),
        *images("b", 30, patients=30, prefix="p"),
    ]
    several = found(examples)["patients-of-several-classes"]
    assert (several.severity, several.figures["patients"], several.figures["of"]) == (
        "note",
        15,
        30,
    )
    assert several.message.startswith("15 patients of 30")


def test_nothing_is_said_of_no_images():
    assert check_balance([], ("a", "b")) == []
