import numpy as np
import pytest

from dlmath.explain.deletion import (
    area,
    deletion_curve,
    deletion_metric,
    insertion_curve,
    insertion_metric,
)
from dlmath.explain.heat_map import HeatMap
from dlmath.explain.methods import METHODS


def pointing_at(row, column):
    values = np.zeros((8, 8), np.float32)
    values[row, column] = 1
    return HeatMap(values, 8)


def test_curves_run_between_the_image_and_nothing(spot_parts, spot_image):
    given = (spot_parts, spot_image, 1, pointing_at(2, 5), 8)
    deletion, insertion = deletion_curve(*given), insertion_curve(*given)
    p = spot_parts.probabilities(spot_image[None], 1)[0]
    mean = np.broadcast_to(spot_image.mean(axis=(0, 1)), (1, 8, 8, 3))

    assert deletion.shape == insertion.shape == (9,)
    assert deletion[0] == pytest.approx(p)
    assert insertion[-1] == pytest.approx(p)
    assert deletion[-1] == pytest.approx(spot_parts.probabilities(mean, 1)[0], rel=1e-5)


def test_the_right_map_deletes_at_the_first_step_and_inserts_at_the_first(spot_parts, spot_image):
    # The wrong one leaves the place to chance, and its own opposite leaves it to the last.
    right = pointing_at(2, 5)
    opposite = HeatMap(-right.values, 8)
    deletion, insertion = (
        [curve(spot_parts, spot_image, 1, heat_map, 8) for heat_map in (right, opposite)]
        for curve in (deletion_curve, insertion_curve)
    )

    assert deletion[0][1] == pytest.approx(deletion[0][-1])
    assert insertion[0][1] == pytest.approx(insertion[0][-1])
    assert deletion[1][-2] == pytest.approx(deletion[1][0])
    assert area(deletion[0]) < area(deletion[1])
    assert area(insertion[0]) > area(insertion[1])


def test_areas_are_trapezia_over_0_to_1(spot_parts, spot_image):
    found = deletion_curve(spot_parts, spot_image, 1, pointing_at(0, 0), 5)

    assert area(found) == pytest.approx(np.trapezoid(found, np.linspace(0, 1, 6)))


def test_a_good_map_passes_and_the_opposite_fails(spot_parts, spot_image):
    good = METHODS["integrated_gradients"](spot_parts, spot_image, 1)
    bad = HeatMap(-good.values, good.grain)

    for metric in (deletion_metric, insertion_metric):
        assert metric(spot_parts, spot_image, 1, good).passed
        assert not metric(spot_parts, spot_image, 1, bad).passed
