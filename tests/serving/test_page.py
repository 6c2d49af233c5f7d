"""The words of the page that stand there before anything is chosen."""

import pytest

from dlmath.data.image_formats import readable_formats
from dlmath.serving.page import _Page
from dlmath.serving.service import Service


@pytest.mark.parametrize(
    ("task", "welcome"),
    [
        ("pneumonia", "Choose an image, or an example: the answer stands here."),
        ("my_own_images", "Choose an image: the answer stands here."),
    ],
)
def test_an_example_is_offered_only_where_there_is_one(light_run, task, welcome):
    service = Service.open(light_run)
    service.name = task
    page = _Page(service)
    service.close()
    assert page.welcome == welcome
    assert ("Or an example" in page.ask_part) == bool(page.examples)


def test_any_file_can_be_chosen_and_the_formats_are_named(light_run):
    service = Service.open(light_run)
    service.close()
    assert "accept=" not in _Page(service).ask_part
    assert ", ".join(readable_formats()) in _Page(service).ask_part
