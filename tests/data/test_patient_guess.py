import pytest

from dlmath.data.patient_guess import guess_patient_rules
from dlmath.data.patients import patient_of
from dlmath.models import RECIPES


def names(pattern, patients=12, images=3):
    return [pattern.format(p=p, i=i) for p in range(patients) for i in range(images)]


@pytest.mark.parametrize(
    ("pattern", "patient"),
    [
        ("person{p}_bacteria_{i}.jpeg", "person7"),
        ("C{p}P61ThinF_IMG_20150918_cell_{i}.png", "C7"),
        ("{p:04d}_{i}.png", "0007"),
        ("IM-{p:04d}-{i:04d}.jpeg", "IM-0007"),
        ("patient_{p}_view{i}.png", "patient_7"),
        ("NORMAL2-IM-{p:04d}-{i:04d}.jpeg", "NORMAL2-IM-0007"),
        ("class/x{p}/../p{p} {i}.png", "p7"),
    ],
)
def test_usual_names_give_up_their_patients(pattern, patient):
    guess = guess_patient_rules(names(pattern))
    assert guess.patients == 12
    assert guess.largest == 3
    assert patient_of(pattern.format(p=7, i=1), guess.rules) == patient


@pytest.mark.parametrize(
    "files",
    [
        [f"img_{number}.png" for number in range(40)],  # one prefix is no patient
        [f"{number}.png" for number in range(40)],  # a bare number tells images apart
        [f"{label}/{number}.png" for label in "ab" for number in range(20)],
        [f"p{number}_1.png" for number in range(40)],  # nobody has two: nothing to keep together
        ["p1_1.png", "p1_2.png", "p2_1.png", "p2_2.png"],  # too few to be sure
        [*names("p{p}_{i}.png"), "scan.png"],  # a name that no rule reads
        [],
    ],
)
def test_where_names_do_not_say_there_is_no_guess(files):
    assert guess_patient_rules(files) is None


def test_mixed_names_are_read_by_several_rules():
    guess = guess_patient_rules([*names("person{p}_{i}.png"), *names("IM-{p:04d}-{i}.png")])
    assert guess.patients == 24


def test_rules_that_are_known_come_first():
    guess = guess_patient_rules(names("person{p}_virus_{i}.jpeg"))
    assert guess.rules == RECIPES["pneumonia"].patient_rules
    assert str(guess) == "12 patients, at most 3 images each (person0_virus_0.jpeg → person0)"


def test_the_second_series_of_chest_x_rays_is_not_one_patient():
    files = [*names("person{p}_virus_{i}.jpeg"), *names("NORMAL2-IM-{p:04d}-{i:04d}.jpeg")]
    assert guess_patient_rules(files).patients == 24


def test_names_of_an_official_set_may_give_each_patient_one_image():
    guess = guess_patient_rules(names("IM-{p:04d}-0001.jpeg", images=1))
    assert (guess.patients, guess.largest) == (12, 1)
