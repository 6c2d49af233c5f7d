import numpy as np
import pytest

from dlmath.explain.deletion import curves, deletion_figures
from dlmath.explain.heat_map import HeatMap
from dlmath.explain.methods import METHODS


def pointing_at(row, column):
    values = np.zeros((8, 8), np.float32)
    values[row, column] = 1
    return HeatMap(values, 8)


def test_curves_run_between_the_image_and_nothing(spot_parts, spot_image):
    found = curves(spot_parts, spot_image, 1, pointing_at(2, 5), steps=8)
    p = spot_parts.probabilities(spot_image[None], 1)[0]
    mean = np.broadcast_to(spot_image.mean(axis=(0, 1)), (1, 8, 8, 3))

    assert found.deletion.shape == found.insertion.shape == (9,)
    assert found.deletion[0] == pytest.approx(p)
    assert found.insertion[-1] == pytest.approx(p)
    assert found.deletion[-1] == pytest.approx(spot_parts.probabilities(mean, 1)[0], rel=1e-5)


def test_the_right_map_deletes_at_the_first_step_and_inserts_at_the_first(spot_parts, spot_image):
    found = curves(spot_parts, spot_image, 1, pointing_at(2, 5), steps=8)

    assert found.deletion[1] == pytest.approx(found.deletion[-1])
    assert found.insertion[1] == pytest.approx(found.insertion[-1])
    # The wrong one leaves the place to chance, and its own opposite leaves it to the last.
    last = HeatMap(-pointing_at(2, 5).values, 8)
    opposite = curves(spot_parts, spot_image, 1, last, steps=8)
    assert opposite.deletion[-2] == pytest.approx(opposite.deletion[0])
    assert found.deletion_area < opposite.deletion_area
    assert found.insertion_area > opposite.insertion_area


def test_areas_are_trapezoids_over_0_to_1(spot_parts, spot_image):
    found = curves(spot_parts, spot_image, 1, pointing_at(0, 0), steps=5)

    expected = np.trapezoid(found.deletion, np.linspace(0, 1, 6))
    assert found.deletion_area == pytest.approx(expected)


def test_a_good_map_passes_and_the_opposite_fails(spot_parts, spot_image):
    good = METHODS["integrated_gradients"](spot_parts, spot_image, 1)
    bad = HeatMap(-good.values, good.grain)

    assert all(f.passed for f in deletion_figures(spot_parts, spot_image, 1, good))
    assert not any(f.passed for f in deletion_figures(spot_parts, spot_image, 1, bad))
