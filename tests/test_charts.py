from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.charts import HEIGHT, WIDTH, Axes, Chart, ticks

GRID = np.linspace(0, 1, 5)


def chart():
    drawn = Chart("A <chart>", Axes("x & y", "images", y_range=(0, 40)))
    drawn.band(GRID, GRID, 40 * GRID).line(GRID, 80 * GRID - 10, name="<model>")
    drawn.points(GRID, 10 * GRID, 5 * GRID, 20 * GRID).upright(0.3, "threshold")
    return drawn.bars(GRID, np.array([1, 2, 3, 40]), "first", "positive")


def test_it_is_well_formed_and_described():
    tree = ElementTree.fromstring(chart().svg())
    assert tree.find("title").text == "A <chart>"
    texts = [text.text for text in tree.findall("text")]
    assert {"x & y", "images", "<model>", "threshold", "positive", "20"} <= set(texts)


def test_nothing_leaves_the_frame():
    tree = ElementTree.fromstring(chart().svg())
    for line in [*tree.findall("polyline"), *tree.findall("polygon")]:
        points = np.array([pair.split(",") for pair in line.get("points").split()], float)
        assert (points >= 0).all()
        assert (points <= [WIDTH, HEIGHT]).all()


def test_the_legend_stands_below_the_axes_and_on_no_curve():
    tree = ElementTree.fromstring(chart().svg())
    _, _, width, height = map(float, tree.get("viewBox").split())
    named = {"<model>", "threshold", "positive"}
    places = [float(text.get("y")) for text in tree.findall("text") if text.text in named]
    assert len(places) == 3
    assert all(HEIGHT < place < height for place in places)
    assert width == WIDTH
    without = ElementTree.fromstring(Chart("t", Axes("x", "y")).line(GRID, GRID).svg())
    assert without.get("viewBox") == f"0 0 {WIDTH} {HEIGHT}"


def test_undefined_points_are_left_out():
    y = np.array([0.0, np.nan, 1.0, 1.0, np.nan])
    svg = Chart("t", Axes("x", "y")).line(GRID, y).band(GRID, y, y).points(GRID, y, y, y).svg()
    assert "nan" not in svg.lower()
    assert len(ElementTree.fromstring(svg).findall("circle")) == 3


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0, 12, [0, 5, 10]),
        (-0.06, 0.61, [0, 0.2, 0.4, 0.6]),
    ],
)
def test_ticks_are_round(low, high, wanted):
    assert ticks(low, high) == pytest.approx(wanted)


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6))
def test_there_are_a_few_ticks_and_all_are_inside(low, width):
    found = ticks(low, low + width)
    assert 1 <= len(found) <= 7
    assert all(low - 1e-6 * width <= value <= low + width * (1 + 1e-6) for value in found)
