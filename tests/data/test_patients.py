import pytest

from dlmath.data.patients import patient_count, patient_of, rule_from
from dlmath.errors import DataError
from dlmath.models import RECIPES


@pytest.mark.parametrize(
    ("task", "file", "patient"),
    [
        ("pneumonia", "train/PNEUMONIA/person7_bacteria_24.jpeg", "person7"),
        # The strict reading: bacteria and virus of one number count as one child.
        ("pneumonia", "person7_virus_3.jpeg", "person7"),
        ("pneumonia", "person447_virus_921_1.jpeg", "person447"),
        ("pneumonia", "a.zip!/test/NORMAL/IM-0011-0001-0002.jpeg", "IM-0011"),
        ("pneumonia", "NORMAL2-IM-0246-0001-0001.jpeg", "NORMAL2-IM-0246"),
        ("malaria", "C33P1thinF_IMG_20150619_114756a_cell_179.png", "C33"),
        ("malaria", "C1_thinF_IMG_20150604_104722_cell_9.png", "C1"),
    ],
)
def test_recipes_read_the_patient_of_every_kind_of_name(task, file, patient):
    assert patient_of(file, RECIPES[task].patient_rules) == patient


def test_folders_do_not_count_and_the_first_rule_that_fits_wins():
    rules = [r"^(?P<patient>a\d+)", r"(?P<patient>\d+)"]
    assert patient_of("a1/b2.png", rules) == "2"
    assert patient_of("b2/a1.png", rules) == "a1"
    assert patient_of("x/y.png", rules) is None


def test_a_group_that_took_no_part_in_the_match_is_not_a_patient():
    assert patient_of("scan.png", [r"scan(?P<patient>\d+)?"]) is None


@pytest.mark.parametrize(
    ("patients", "count"), [(["a", "b", "a"], 2), (["a", None], None), ([None], None), ([], None)]
)
def test_patients_are_counted_where_every_one_is_known(patients, count):
    assert patient_count(patients) == count


@pytest.mark.parametrize(
    ("written", "patient"),
    [
        (r"^(?P<patient>\d+)_", "0042"),
        (r"^(\d+)_", "0042"),
        (r"\d+", "0042"),
        (r"^([^_]+)_(left|right)", "0042"),
        (r"[(]?(?:00)(\d+)\_", "42"),
        (r"\(?(\d+)", "0042"),
    ],
)
def test_a_rule_may_leave_out_the_name_of_its_group(written, patient):
    assert patient_of("0042_left.png", [rule_from(written)]) == patient


def test_what_is_no_regular_expression_is_refused_with_an_example():
    with pytest.raises(DataError, match="unterminated.*--patients none"):
        rule_from("(p")
