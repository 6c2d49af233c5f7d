import numpy as np
import pytest

from dlmath.data import stressed
from dlmath.data.stressed import composites
from dlmath.recipe import Recipe

RECIPE = Recipe(name="x", choose_on="stressed", region_width=0.5, region_height=0.5)
LABELS = np.array([0, 0, 0, 1, 1])
# The middle and the border of each image have greys of their own.
IMAGES = np.zeros((5, 40, 40, 3), np.uint8)
for number, image in enumerate(IMAGES):
    image[:] = 10 + number
    image[8:32, 8:32] = 100 + number


def test_each_composite_has_its_own_region_in_the_border_of_another_class():
    made, rows = composites(IMAGES, LABELS, RECIPE)

    assert made.dtype == np.uint8
    np.testing.assert_array_equal(rows, np.arange(5))
    for row, image in zip(rows, made, strict=True):
        assert image[20, 20, 0] == 100 + row
        border = int(image[0, 0, 0]) - 10
        assert LABELS[border] != LABELS[row]


def test_the_seed_decides_the_borders_and_never_the_regions():
    first, again = (composites(IMAGES, LABELS, RECIPE)[0] for _ in range(2))
    others = [composites(IMAGES, LABELS, RECIPE.replace(seed=seed))[0] for seed in range(1, 6)]

    np.testing.assert_array_equal(first, again)
    assert any(np.any(first != other) for other in others)
    for other in others:
        np.testing.assert_array_equal(first[:, 20, 20], other[:, 20, 20])


def test_of_many_images_some_are_drawn(monkeypatch):
    monkeypatch.setattr(stressed, "MOST_IMAGES", 3)

    made, rows = composites(IMAGES, LABELS, RECIPE)

    assert len(made) == len(set(rows.tolist())) == 3
    assert [image[20, 20, 0] - 100 for image in made] == rows.tolist()


@pytest.mark.parametrize("field", ["border_swap", "choose_on"])
def test_without_a_region_nothing_can_be_swapped(field):
    from dlmath.errors import RecipeError

    value = {"border_swap": 0.5, "choose_on": "stressed"}[field]
    with pytest.raises(RecipeError, match="need a region smaller than the picture"):
        Recipe(name="x", region_width=0.7, **{field: value})
