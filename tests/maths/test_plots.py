import xml.etree.ElementTree as ET

import numpy as np
import pytest

from dlmath.charts import Axes, Chart
from dlmath.maths.plots import curves, dots, limits, sequences, standalone


def test_a_saved_chart_is_an_image_of_its_own():
    chart = curves("Two lines", "x", "y", {"a": ([0, 1], [0, 1]), "b": ([0, 1], [1, 0])})
    root = ET.fromstring(standalone(chart))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2


def test_the_ranges_hold_the_curves():
    chart = curves("Line", "x", "y", {"a": ([2, 4], [10, 20])})
    low, high = chart.axes.y_range
    assert chart.axes.x_range == (2, 4)
    assert low < 10
    assert high > 20


def test_logarithms_of_zero_and_what_is_not_finite():
    chart = curves("Log", "x", "y", {"a": ([0, 1, 2, 3], [100, 0, np.inf, np.nan])}, log=True)
    assert chart.axes.y == "log10 of y"
    assert chart.axes.y_range[0] == pytest.approx(-17, abs=1)
    assert "nan" not in chart.svg()


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0], [np.nan, 1.0]])
def test_a_range_has_a_width_whatever_it_holds(values):
    low, high = limits(np.array(values))
    assert low < high


def test_dots_are_squares_at_their_points():
    chart = Chart("Dots", Axes("x", "y"))
    assert dots(chart, np.array([[0.2, 0.2], [0.8, 0.4]]), "other").svg().count("<polyline") == 2


def test_sequences_are_curves_over_their_numbers():
    series = {"a": [3.0, 1.0, 2.0], "b": np.array([1.0, 5.0])}
    by_number = {"a": ([0, 1, 2], series["a"]), "b": ([0, 1], series["b"])}
    expected = curves("Title", "step", "y", by_number, log=True)
    assert sequences("Title", "step", "y", series, log=True).svg() == expected.svg()
