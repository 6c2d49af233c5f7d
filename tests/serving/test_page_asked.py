import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.serving.page_asked import MOST_IMAGES, Asked, read_choice, read_images, read_number

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def sent(*images):
    return {"images": list(images)}


@given(content=st.binary())
def test_a_file_arrives_as_it_was_sent(content):
    data = base64.b64encode(content).decode()
    assert read_images(sent({"name": "a.png", "data": data})) == [Asked("a.png", content)]


@given(JSON)
def test_whatever_a_client_sends_is_read_without_an_error(event):
    assert all(isinstance(one, Asked) for one in read_images(event))
    assert all(isinstance(one, Asked) for one in read_images({"images": event}))
    assert all(isinstance(one, Asked) for one in read_images({"images": [event]}))
    assert read_number(event, 3) in (None, 0, 1, 2)
    assert read_number({"number": event}, 3) in (None, 0, 1, 2)
    assert read_choice(event) == 0
    assert read_choice({"choice": event}) >= 0


@pytest.mark.parametrize("data", ["not base64!", "AAAA=A", 7, None, "é"])
def test_what_is_no_base64_is_an_empty_file(data):
    assert read_images(sent({"name": "a.png", "data": data})) == [Asked("a.png", b"")]


def test_no_more_are_read_than_there_are_cards():
    images = [{"name": str(number), "data": ""} for number in range(MOST_IMAGES + 5)]
    assert [one.name for one in read_images(sent(*images))] == [
        str(number) for number in range(MOST_IMAGES)
    ]


def test_a_long_name_keeps_its_beginning_and_its_ending():
    (asked,) = read_images(sent({"name": f"patient{'x' * 500}.jpeg", "data": ""}))
    assert asked.name.startswith("patientx")
    assert asked.name.endswith("x.jpeg")
    assert len(asked.name) <= 120


def test_a_name_without_a_letter_that_shows_is_called_image():
    (asked,) = read_images(sent({"name": "\n\u202e\x00", "data": ""}))
    assert asked.name == "image"


def test_the_number_of_an_example_has_bounds():
    assert read_number({"number": 2}, 3) == 2
    assert read_number({"number": 3}, 3) is None
    assert read_number({"number": -1}, 3) is None


def test_choices_are_numbered_from_1():
    assert read_choice({"choice": 7}) == 7
    assert [read_choice({"choice": one}) for one in (0, -1, 1.5, "1", None)] == [0] * 5
