from pathlib import Path
from types import SimpleNamespace

import pytest

from dlmath.data.class_folders import ImageFile
from dlmath.data.patient_reading import read_patients, rules_for
from dlmath.errors import DataError

GUESSED = [f"p{patient}_{number}.png" for patient in range(6) for number in range(2)]


def found(*files, patient=None, named=True):
    return [ImageFile(file, Path(file), "a", None, patient, named) for file in files]


def test_what_the_data_name_wins_over_rules():
    reading = read_patients(
        [*found("a.png", patient="smith"), *found("C1_1.png")], [r"^(?P<patient>C\d+)"]
    )
    assert reading.patients == ("smith", "C1")
    assert (reading.count, reading.named, reading.origin) == (2, 1, "given")
    assert read_patients(found("C1_1.png", patient="smith")).origin == "named"


def test_a_name_that_may_not_be_read_leaves_its_patient_unknown():
    reading = read_patients(found(*GUESSED, named=False))
    assert set(reading.patients) == {None}
    assert (reading.count, reading.origin) == (None, "unknown")


def test_without_rules_patients_are_guessed_and_the_guess_is_said():
    reading = read_patients(found(*GUESSED))
    assert (reading.count, reading.origin) == (6, "guessed")
    assert "6 patients, at most 2 images each (p0_0.png → p0)" in reading.warnings[0]
    assert "--patients none" in reading.warnings[0]


def test_empty_rules_say_that_patients_are_not_known():
    reading = read_patients(found(*GUESSED), ())
    assert (reading.count, reading.origin, reading.warnings) == (None, "none", ())


def test_names_that_tell_nothing_leave_patients_unknown():
    reading = read_patients(found("1.png", "2.png"))
    assert (reading.count, reading.origin, reading.rules) == (None, "unknown", ())


def test_likely_rules_hold_where_they_read_every_name():
    likely = [r"^(?P<patient>p\d)"]
    assert read_patients(found(*GUESSED), likely=likely).rules == tuple(likely)
    assert read_patients(found(*GUESSED), likely=[r"^(?P<patient>C\d+)"]).origin == "guessed"


def test_names_that_no_rule_reads_are_named_up_to_ten():
    reading = read_patients(
        found(*(f"x{number}.png" for number in range(12)), "C1_.png"), [r"^(?P<patient>C\d+)"]
    )
    assert reading.count is None
    with pytest.raises(DataError, match=r"reads 12 file names: x0\.png, .*x9\.png and 2 more"):
        reading.require_all_read()


@pytest.mark.parametrize(
    ("origin", "given", "expected"),
    [
        ("given", None, (None, ("rule",))),
        ("none", None, ((), ())),
        ("guessed", None, (None, ())),
        ("none", ("other",), (("other",), ())),
        ("unknown", None, (None, ("rule",))),
        ("unknown", (), ((), ())),
    ],
)
def test_other_images_go_by_the_option_then_by_the_run(origin, given, expected):
    run = SimpleNamespace(
        manifest={"patients": {"origin": origin}}, recipe=SimpleNamespace(patient_rules=("rule",))
    )
    assert rules_for(run, given) == expected


def test_a_run_of_before_says_nothing_of_how_patients_were_found():
    run = SimpleNamespace(manifest={}, recipe=SimpleNamespace(patient_rules=()))
    assert rules_for(run) == (None, ())


def test_names_by_the_data_for_some_and_a_guess_for_others_are_doubted():
    reading = read_patients([*found("x.png", patient="7"), *found(*GUESSED)])
    assert (reading.origin, reading.named) == ("guessed", 1)
    assert "The data name the patients of 1 image only" in reading.doubts[0]
