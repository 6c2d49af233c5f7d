import pytest

import dlmath.data
from dlmath.data.listing import counted, listed


def test_ten_names_are_shown_and_the_others_counted():
    names = [str(number) for number in range(12)]
    assert listed(names[:10]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert listed(names) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    assert listed([]) == ""


def test_one_is_singular():
    assert [counted(number, "image") for number in (0, 1, 1_000)] == [
        "0 images",
        "1 image",
        "1,000 images",
    ]


@pytest.mark.parametrize("name", dlmath.data.__all__)
def test_every_name_behind_the_door_is_there(name):
    assert getattr(dlmath.data, name).__name__ == name


def test_a_name_that_is_not_behind_the_door():
    with pytest.raises(AttributeError, match=r"'dlmath\.data' has no attribute 'nothing'"):
        dlmath.data.nothing  # noqa: B018
