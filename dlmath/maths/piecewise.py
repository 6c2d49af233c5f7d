r"""Continuous piecewise affine functions as ReLU networks, weight by weight.

The function is given on the Delaunay triangulation of some points. That is regular: the function q
that has the value |v|^2 at each vertex v, and is affine on each simplex, bends upwards across every
facet. So g = f + c q is convex for c large enough, and f = g - h with h = c q is the difference of
convex functions that the proof in Murari asks for. A convex one is the maximum of its affine
pieces, and a maximum is a tree of layers of ReLUs; the two trees run side by side.

Sources: Murari, lines 394-446; Arora et al., arXiv:1611.01491, theorem 2.1; De Loera, Rambau and
Santos, "Triangulations", 2010, section 2.2.2 (Delaunay triangulations are regular).
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag
from scipy.spatial import Delaunay

from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.network import Layer, Network

# max(u, v) = relu(u - v) + relu(v) - relu(-v), as (u, v) -> three units -> one number
_INTO = np.array([[1.0, 0.0, 0.0], [-1.0, 1.0, -1.0]])
_OUT = np.array([[1.0], [1.0], [-1.0]])
# A value without a partner goes through a layer of ReLUs as relu(u) - relu(-u).
_INTO_SINGLE, _OUT_SINGLE = np.array([[1.0, -1.0]]), np.array([[1.0], [-1.0]])


@dataclass(frozen=True)
class Pieces:
    """A continuous function that is affine on each of M simplices of R^d.

    Attributes:
        mesh: The simplices, which fill a convex region.
        values: (V,), the function at the vertices.
        slopes: (M, d), of its affine functions.
        offsets: (M,), their values at 0.
    """

    mesh: Delaunay
    values: np.ndarray
    slopes: np.ndarray
    offsets: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Return f at points (N, d) of the region, by the simplex that each lies in."""
        simplex = self.mesh.find_simplex(points, tol=1e-9)
        if (simplex < 0).any():
            raise ValueError("a point lies outside the triangulated region")
        return np.sum(self.slopes[simplex] * points, axis=1) + self.offsets[simplex]

    def bends(self) -> np.ndarray:
        """Return, for each pair of neighbours, how far one lies above the other's affine function.

        It is measured at the vertex that they do not share; a function is convex if and only if
        none is negative.
        """
        simplex, corner = np.nonzero(self.mesh.neighbors >= 0)
        beyond = self.mesh.simplices[simplex, corner]  # not a vertex of the neighbour
        other = self.mesh.neighbors[simplex, corner]
        places = self.mesh.points[beyond]
        return (
            self.values[beyond] - np.sum(self.slopes[other] * places, axis=1) - self.offsets[other]
        )


def interpolate(mesh: Delaunay, values: np.ndarray) -> Pieces:
    """Return the function with `values` (V,) at the vertices that is affine on each simplex."""
    corners = mesh.points[mesh.simplices]  # (M, d + 1, d)
    system = np.concatenate([corners, np.ones((*corners.shape[:2], 1))], axis=2)
    solved = np.linalg.solve(system, values[mesh.simplices][..., np.newaxis])[..., 0]
    return Pieces(mesh, values, solved[:, :-1], solved[:, -1])


def convex_difference(pieces: Pieces) -> tuple[Pieces, Pieces]:
    """Return convex g and h, affine on the same simplices, with f = g - h."""
    lifted = interpolate(pieces.mesh, np.sum(pieces.mesh.points**2, axis=1))
    strength = max(0.0, float((-pieces.bends() / lifted.bends()).max()))
    return (
        interpolate(pieces.mesh, pieces.values + strength * lifted.values),
        interpolate(pieces.mesh, strength * lifted.values),
    )


def as_network(pieces: Pieces) -> Network:
    """Return the ReLU network that equals `pieces` on its region, only from its weights."""
    parts = convex_difference(pieces)
    weights = np.concatenate([part.slopes.T for part in parts], axis=1)  # (d, 2 M)
    bias = np.concatenate([part.offsets for part in parts])
    blocks, layers = [len(part.offsets) for part in parts], []
    while max(blocks) > 1:
        spread, gather, blocks = _maxima_of_pairs(blocks)
        layers.append(Layer(weights @ spread, bias @ spread, ACTIVATIONS["relu"]))
        weights, bias = gather, np.zeros(gather.shape[1])
    subtract = np.array([[1.0], [-1.0]])
    return (*layers, Layer(weights @ subtract, bias @ subtract))


def _maxima_of_pairs(blocks: list[int]) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return the matrices before and after a layer that takes maxima of neighbours in each block.

    The blocks that are left have half as many numbers, rounded up.
    """
    into: list[np.ndarray] = []
    out: list[np.ndarray] = []
    for block in blocks:
        pairs, single = divmod(block, 2)
        into += [_INTO] * pairs + [_INTO_SINGLE] * single
        out += [_OUT] * pairs + [_OUT_SINGLE] * single
    return block_diag(*into), block_diag(*out), [(block + 1) // 2 for block in blocks]


def from_breakpoints(places: np.ndarray, heights: np.ndarray) -> Network:
    """Return the ReLU network of the function of one variable through (places, heights).

    f(x) = h_0 + sum_i (s_i - s_(i-1)) relu(x - p_i) with s_i the slope after p_i; constant on the
    left of the first place, and on the right of the last it goes on with the last slope.
    """
    slopes = np.diff(heights) / np.diff(places)
    changes = np.diff(slopes, prepend=0.0)
    return (
        Layer(np.ones((1, len(changes))), -places[:-1], ACTIVATIONS["relu"]),
        Layer(changes[:, np.newaxis], heights[:1]),
    )
