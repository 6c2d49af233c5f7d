import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from dlmath import seeds
from dlmath.maths.network import forward
from dlmath.maths.piecewise import as_network, convex_difference, from_breakpoints, interpolate


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), dimension=st.integers(2, 3), vertices=st.integers(5, 14))
def test_the_network_equals_the_function_on_the_whole_region(seed, dimension, vertices):
    rng = seeds.generator("test", "pieces", seed)
    places = rng.normal(size=(vertices, dimension))
    pieces = interpolate(Delaunay(places), rng.normal(size=vertices))
    points = rng.dirichlet(np.full(vertices, 0.3), 300) @ places
    # Flat simplices have steep affine functions, whose rounding is what is left.
    scale = 1 + np.abs(pieces.slopes).max() ** 2
    np.testing.assert_allclose(
        forward(as_network(pieces), points)[:, 0], pieces(points), atol=1e-9 * scale
    )


def test_the_parts_are_convex_and_the_maxima_of_their_pieces():
    rng = seeds.generator("test", "convex")
    places = rng.normal(size=(15, 2))
    pieces = interpolate(Delaunay(places), rng.normal(size=15))
    points = rng.dirichlet(np.full(15, 0.3), 300) @ places
    parts = convex_difference(pieces)
    np.testing.assert_allclose(parts[0](points) - parts[1](points), pieces(points), atol=1e-9)
    for part in parts:
        heights = points @ part.slopes.T + part.offsets
        np.testing.assert_allclose(heights.max(axis=1), part(points), atol=1e-9)


def test_a_convex_function_needs_nothing_taken_off():
    mesh = Delaunay(seeds.generator("test", "mesh").normal(size=(10, 2)))
    pieces = interpolate(mesh, np.sum(mesh.points**2, axis=1))
    assert np.abs(convex_difference(pieces)[1].values).max() < 1e-9


def test_outside_of_the_region_there_is_no_function():
    pieces = interpolate(Delaunay(np.array([[0.0, 0], [1, 0], [0, 1]])), np.array([0.0, 1, 2]))
    assert pieces(np.array([[0.25, 0.25]]))[0] == pytest.approx(0.75)
    with pytest.raises(ValueError, match="outside"):
        pieces(np.array([[2.0, 2.0]]))


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=8, unique=True))
def test_one_hidden_layer_on_a_line(places):
    breaks = np.sort(places) / 10
    heights = np.sin(breaks * 3)
    grid = np.linspace(breaks[0], breaks[-1], 50)
    network = from_breakpoints(breaks, heights)
    assert len(network) == 2
    np.testing.assert_allclose(
        forward(network, grid[:, np.newaxis])[:, 0], np.interp(grid, breaks, heights), atol=1e-9
    )
