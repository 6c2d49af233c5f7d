import io

import pytest
from PIL import Image

from dlmath.serving.page_examples import draw_examples


@pytest.mark.parametrize("task", ["pneumonia", "malaria"])
def test_examples_are_images_of_the_task_and_one_of_another(task):
    examples = draw_examples(task)
    modes = [Image.open(io.BytesIO(one.asked.content)).mode for one in examples]
    film, cell = "L", "RGB"
    assert modes == ([film] * 3 + [cell] if task == "pneumonia" else [cell] * 3 + [film])


def test_a_task_without_phantoms_has_no_examples():
    assert draw_examples("my_own_images") == []
