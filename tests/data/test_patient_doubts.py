import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.data.patient_doubts import FAR_MORE, LARGE_SHARE, doubts, reads_as_date


def patients(*sizes):
    return [f"p{number}" for number, size in enumerate(sizes) for _ in range(size)]


DATES = """20240131 2024-01-31 2024_01_31 31.01.2024 01-31-2024 240131 1987 IMG_20240131
    20240131_104722 20240131T1047 20240131104722"""
OTHERS = """20241331 0007 person7 C33 NORMAL2-IM-0246 IM-0115 2199 123456789 20240131_smith p
    990231"""


@pytest.mark.parametrize("name", DATES.split())
def test_dates_and_years_are_known(name):
    assert reads_as_date(name)


@pytest.mark.parametrize("name", OTHERS.split())
def test_other_names_are_no_dates(name):
    assert not reads_as_date(name)


def test_patients_who_are_dates_are_doubted():
    dates = [f"202401{day:02d}" for day in range(1, 11)]
    assert doubts(dates) == (
        "10 of the 10 patients read as dates, such as 20240101. A date is no patient: images of "
        "one patient may be on both sides of a split. Check how the patients are read.",
    )
    assert doubts([*dates, *(f"p{number}" for number in range(11))]) == ()


def test_patients_who_are_written_in_several_ways_are_doubted():
    assert doubts(["3", "3.0", "P1", "p1", "7", "007", "8", None]) == (
        "3 patients may be written in several ways: '007' and '7', '3' and '3.0', 'P1' and 'p1'. "
        "As they are, they count as different, and images of one patient may be on both sides of "
        "a split. Write them alike.",
    )
    assert doubts(["person1", "person10", "1-2", "12", None]) == ()


def test_a_patient_with_far_more_images_than_the_others_is_doubted():
    assert doubts(patients(111, *[1] * 492)) == (
        "p0 may be several patients: it has 111 of the 603 images, where the median patient has 1. "
        "Check how the patients are read.",
    )
    assert doubts(patients(111, 90, *[1] * 492))[0].startswith(
        "p0, p1 may be several patients each: they have up to 111 of the 693 images"
    )


@pytest.mark.parametrize(
    ("sizes", "is_doubted"),
    [
        ([10, *[1] * 99], False),  # ten times the median
        ([11, *[1] * 99], True),
        ([31, *[1] * 969], False),  # few of the images: a patient may well have them
        ([44] * 100 + [1] * 10, False),
        ([10], False),
        ([11], True),  # one name for all: such as that of a removed one
        ([], False),
    ],
)
def test_both_bounds_of_far_more_images(sizes, is_doubted):
    assert bool(doubts(patients(*sizes))) == is_doubted


@given(st.lists(st.integers(1, 200), min_size=1, max_size=40))
def test_equal_patients_are_never_doubted_and_who_is_has_a_large_share(sizes):
    assert doubts(patients(*[sizes[0]] * max(len(sizes), 2))) == ()
    if doubts(patients(*sizes)):
        assert max(sizes) >= LARGE_SHARE * sum(sizes)
        assert max(sizes) > FAR_MORE


def test_images_of_no_known_patient_are_no_patient():
    assert doubts([None] * 50) == ()
