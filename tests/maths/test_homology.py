import numpy as np
import pytest

from dlmath import seeds
from dlmath.maths.homology import persistence


def test_an_equilateral_triangle_is_filled_as_soon_as_it_is_closed():
    corners = np.array([[0, 0], [1, 0], [0.5, 3**0.5 / 2]])
    components, loops = persistence(corners)
    np.testing.assert_allclose(components[:2], [[0, 1], [0, 1]])
    assert components[2].tolist() == [0, np.inf]
    assert np.all(loops[:, 1] - loops[:, 0] < 1e-12)


def test_a_square_has_a_loop_from_its_side_to_its_diagonal():
    loops = persistence(np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]]))[1]
    np.testing.assert_allclose(loops, [[1, 2**0.5]])


def test_two_circles_apart_have_two_loops():
    turns = 2 * np.pi * np.arange(8) / 8
    one = np.column_stack([np.cos(turns), np.sin(turns)])
    loops = persistence(np.vstack([one, one + np.array([6, 0])]), reach=2.0)[1]
    long = loops[loops[:, 1] - loops[:, 0] > 0.5]
    assert len(long) == 2


def test_what_is_not_looked_at_has_no_end():
    apart = np.array([[0.0], [1.0], [9.0]])
    components = persistence(apart, reach=2.0)[0]
    assert np.isinf(components[:, 1]).sum() == 2


@pytest.mark.parametrize("seed", range(3))
def test_components_less_loops_is_at_most_eulers_number_at_every_scale(seed):
    points = seeds.generator("euler", seed).normal(size=(9, 2))
    apart = np.linalg.norm(points[:, np.newaxis] - points, axis=2)
    components, loops = persistence(points)
    for reach in (0.3, 0.6):
        near = apart <= reach
        edges = near[np.triu_indices(9, 1)].sum()
        cubes = np.linalg.matrix_power(near.astype(int) - np.eye(9, dtype=int), 3)
        faces = np.trace(cubes) // 6
        alive = [
            np.sum((bars[:, 0] <= reach) & (bars[:, 1] > reach)) for bars in (components, loops)
        ]
        # Vertices - edges + triangles is components - loops + voids.
        assert alive[0] - alive[1] <= 9 - edges + faces
