"""Names are compared without case and Unicode form, and look-alikes are found."""

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.names import (
    composed,
    composed_names,
    folded,
    is_missing,
    look_alikes,
    readable,
    told_apart,
)

TWO_FORMS = tuple(unicodedata.normalize(form, "gesünd") for form in ("NFC", "NFD"))


@pytest.mark.parametrize("text", ["", " ", "NaN", "nan", "NA", "N/A", "#N/A", "None", "NULL"])
def test_what_programs_write_for_no_value_is_missing(text):
    assert is_missing(text)


@pytest.mark.parametrize("text", ["0", "no", "nana", "normal", "-", "nil by mouth"])
def test_values_are_not_missing(text):
    assert not is_missing(text)


def test_two_unicode_forms_are_one_name():
    one, other = TWO_FORMS
    assert one != other
    assert composed(one) == composed(other) == one
    assert folded(other.upper()) == folded(one)


def test_names_that_would_become_one_stay_as_they_are():
    assert composed_names([TWO_FORMS[1], "a"]) == [TWO_FORMS[0], "a"]
    assert composed_names(TWO_FORMS) == list(TWO_FORMS)


@given(st.lists(st.text(st.characters(codec="utf-8")), unique=True))
def test_different_names_stay_different(names):
    changed = composed_names(names)
    assert len(set(changed)) == len(names)
    assert [folded(name) for name in changed] == [folded(name) for name in names]


@pytest.mark.parametrize(
    "alike",
    [
        ["3", "3.0"],
        ["007", "7"],
        ["P1", "p1"],
        ["01", "1", "1.0"],
        ["No Finding", "no-finding"],
        ["P 007", "P7"],
        sorted(TWO_FORMS),
    ],
)
def test_names_that_look_alike_are_found(alike):
    assert look_alikes([*alike, "other"]) == [alike]


def test_names_that_only_resemble_one_another_are_none():
    different = ["-1", "1", "1-2", "12", "1.05", "1.5", "10", "person1", "person10", "C33P1", "C3"]
    assert look_alikes(different) == []


def test_names_that_would_look_the_same_are_quoted_by_their_characters():
    assert told_apart(["b", "A"]) == ["'A'", "'b'"]
    assert told_apart([*TWO_FORMS, "ä"]) == [r"'gesu\u0308nd'", r"'ges\xfcnd'", "'ä'"]


def test_bytes_that_are_no_text_are_shown():
    name = os.fsdecode(b"r\xf6ntgen.png")
    assert readable(name) == r"r\xf6ntgen.png"
    assert readable("röntgen.png") == "röntgen.png"
