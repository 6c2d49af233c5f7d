"""K-FAC against the exact Fisher information, and L-BFGS against conjugate gradients."""

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import Activation
from dlmath.maths.differences import central
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.krylov import conjugate_gradients
from dlmath.maths.network import (
    Layer,
    Network,
    activations,
    backward,
    constant,
    forward,
    initialised,
)
from dlmath.maths.objectives import Objective
from dlmath.maths.optimisers import minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences
from dlmath.maths.second_order import (
    Lbfgs,
    backtrack,
    exact_on_a_quadratic,
    two_loops,
    unit_length,
)

NAMED = Source("foundations", 148, "Efficient approximation of the Fisher")


def layer_gradients(network: Network, rows: np.ndarray, layer: int) -> np.ndarray:
    """Return d z_k / d Z_l for every row and output k, (N, K, e), by backpropagation.

    Z_l are the values of a layer before its activation.
    """
    inputs = activations(network, rows)[layer]
    one = network[layer]
    slope = one.activation.slope(inputs @ one.weights + one.bias)
    outputs = np.eye(len(network[-1].bias))
    found = [backward(network, rows, constant(k))[1] for k in outputs]
    return np.stack([signals[layer + 1] * slope for signals in found], axis=1)


def exact_fisher(inputs: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return the mean of vec(a g^T) vec(a g^T)^T, (d e, d e), over rows and outputs.

    For a normal law of variance 1 around the outputs, the expectation over the answers is the sum
    over the outputs.
    """
    each = np.einsum("nd,nke->nkde", inputs, gradients)
    flat = each.reshape(*each.shape[:2], -1)
    return np.einsum("nkp,nkq->pq", flat, flat) / len(inputs)


def factors(inputs: np.ndarray, gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return K-FAC's two factors, E[a a^T] (d, d) and E[g g^T] (e, e)."""
    outputs = np.einsum("nke,nkf->ef", gradients, gradients) / len(inputs)
    return inputs.T @ inputs / len(inputs), outputs


@experiment(
    title="K-FAC against the exact Fisher information",
    statement=(
        "A layer's block of the Fisher information is F = E[a a^T x g g^T], x being the Kronecker "
        "product, a the layer's input with a 1 and g the gradient at its values. K-FAC takes A x G "
        "for it, with A = E[a a^T] and G = E[g g^T]. F - A x G is the covariance of a a^T and g "
        "g^T: where both are independent K-FAC is exact, as in a linear network with normal "
        "answers, where g does not depend on the row. Its step A^-1 V G^-1 is then that of the "
        "natural gradient, with d^2 + e^2 numbers kept in the place of (d e)^2."
    ),
    sources=(NAMED,),
    about=("layer_gradients", "exact_fisher", "factors"),
    reference="Martens and Grosse, Optimizing neural networks with K-FAC, 2015, 3.1; Bernacchia, "
    "Lengyel and Hennequin, Exact natural gradient in deep linear networks, 2018",
    sabotage=Sabotage("gradients depend on inputs: units are tanh", {"activation": "tanh"}),
)
def kfac_and_the_fisher(*, activation: str = "linear", rows: int = 60, seed: int = 0) -> Outcome:
    """`activation` is that of two hidden layers of 5 and 4 units; there are 3 outputs."""
    rng = seeds.generator("fisher", seed)
    x = rng.normal(size=(rows, 3))
    network = initialised((3, 5, 4, 3), activation, "fisher", seed)
    apart, split, steps, shares, errors = [], [], [], [], []
    for layer in range(3):
        inputs = np.hstack([activations(network, x)[layer], np.ones((rows, 1))])
        gradients = layer_gradients(network, x, layer)
        errors.append(_error_of(network, x, layer, inputs, gradients))
        fisher, (a, g) = exact_fisher(inputs, gradients), factors(inputs, gradients)
        product, size = np.kron(a, g), np.linalg.norm(fisher)
        apart.append(np.linalg.norm(fisher - product) / size)
        own = inputs[:, :, np.newaxis] * inputs[:, np.newaxis] - a
        other = np.einsum("nke,nkf->nef", gradients, gradients) - g
        covariance = np.einsum("nij,nef->iejf", own, other).reshape(fisher.shape) / rows
        split.append(np.linalg.norm(fisher - product - covariance) / size)
        # The gradient of the squared loss of other answers, which lies in the range of F.
        misses = forward(network, x) - rng.normal(size=(rows, 3))
        slope = np.einsum("nd,nk,nke->de", inputs, misses, gradients) / rows
        natural = np.linalg.lstsq(fisher, slope.ravel(), rcond=1e-9)[0].reshape(slope.shape)
        inverses = [np.linalg.pinv(part, rcond=1e-9, hermitian=True) for part in (a, g)]
        steps.append(np.linalg.norm(inverses[0] @ slope @ inverses[1] - natural))
        steps[-1] /= np.linalg.norm(natural)
        shares.append((a.size + g.size) / fisher.size)
    bent = tuple(
        Layer(one.weights, rng.normal(size=len(one.bias)), one.activation)
        for one in initialised((3, 5, 4, 3), "tanh", "fisher", seed)
    )
    for layer in range(3):
        inputs = np.hstack([activations(bent, x)[layer], np.ones((rows, 1))])
        errors.append(_error_of(bent, x, layer, inputs, layer_gradients(bent, x, layer)))
    mixed = [_distance(x, seed, share) for share in np.linspace(0, 1, 11)]
    return Outcome(
        (
            at_most("largest error of a g^T, by central differences", errors, 1e-8),
            at_most("largest |F - A x G| / |F| of a layer", apart, 1e-12),
            at_most("the same less the covariance of a a^T and g g^T", split, 1e-12),
            at_most("largest distance of the two steps over the natural one", steps, 1e-6),
            at_least("share of tanh 1: |F - A x G| / |F|", mixed[-1], 0.02),
            at_most("numbers kept, as a share of F's: largest", shares, 0.16),
        ),
        curves(
            "From linear units to tanh",
            "share of tanh",
            "|F - A x G| / |F|",
            {"second layer": (np.linspace(0, 1, 11), mixed)},
        ),
    )


def _error_of(
    network: Network, x: np.ndarray, place: int, inputs: np.ndarray, gradients: np.ndarray
) -> float:
    """Return the largest difference of a g^T and the slope of the outputs in a layer's weights."""
    layer = network[place]

    def outputs(weights: np.ndarray) -> np.ndarray:
        moved = Layer(weights[:-1], weights[-1], layer.activation)
        return forward((*network[:place], moved, *network[place + 1 :]), x)

    found = central(outputs, np.vstack([layer.weights, layer.bias]))  # (d, e, N, K)
    return float(np.abs(found - np.einsum("nd,nke->denk", inputs, gradients)).max())


def _distance(x: np.ndarray, seed: int, share: float) -> float:
    """Return |F - A x G| / |F| of the second layer, for units z -> (1 - share) z + share tanh z."""
    blend = Activation(
        lambda z: (1 - share) * z + share * np.tanh(z),
        lambda z: 1 - share * np.tanh(z) ** 2,
    )
    network = tuple(
        Layer(one.weights, one.bias, blend) if place < 2 else one
        for place, one in enumerate(initialised((3, 5, 4, 3), "linear", "fisher", seed))
    )
    inputs = np.hstack([activations(network, x)[1], np.ones((len(x), 1))])
    gradients = layer_gradients(network, x, 1)
    fisher = exact_fisher(inputs, gradients)
    return float(
        np.linalg.norm(fisher - np.kron(*factors(inputs, gradients))) / np.linalg.norm(fisher)
    )


@experiment(
    title="L-BFGS goes the way of conjugate gradients",
    statement=(
        "The two loops of L-BFGS multiply by the matrix that BFGS has after the pairs kept; its "
        "whole steps are minus that matrix times the gradient. On a quadratic with the Hessian A, "
        "and with exact line searches, L-BFGS with a memory of any length visits the points of the "
        "conjugate gradient method. Point k is the one of least energy "
        "x^T A x in the start plus the span of A^j g, j < k; its energy norm is at most 2 ((sqrt c "
        "- 1) / (sqrt c + 1))^k of the first, c being the condition number. With a line search "
        "that is not exact it goes another way."
    ),
    sources=(Source("foundations", 148, "Approximate second-order information"),),
    about=("krylov.conjugate_gradients", "second_order.two_loops", "second_order.Lbfgs.step"),
    reference="Nocedal and Wright, Numerical optimization, 2006, theorems 5.3 and 6.4, and 7.2",
    sabotage=Sabotage("the line search is not exact", {"exact": False}),
)
def lbfgs_is_conjugate_gradients(
    *,
    exact: bool = True,
    memory: int = 2,
    dimension: int = 12,
    condition: float = 30.0,
    seed: int = 0,
) -> Outcome:
    """`memory` is the number of pairs kept; `condition` is that of a Hessian turned at random."""
    rng = seeds.generator("conjugate", seed)
    turn = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0]
    matrix = turn @ np.diag(np.geomspace(1, condition, dimension)) @ turn.T
    start, steps = rng.normal(size=dimension), dimension - 3
    objective = Objective(
        lambda x: 0.5 * float(x @ matrix @ x), lambda x: matrix @ x, lambda x: matrix
    )
    search = exact_on_a_quadratic if exact else backtrack
    ours = minimise(objective, start, Lbfgs(memory, search), steps).points
    theirs = conjugate_gradients(matrix, start, steps)
    best = _of_least_energy(matrix, start, steps)
    energy = np.sqrt(np.einsum("ki,ij,kj->k", theirs, matrix, theirs))
    root = np.sqrt(condition)
    bound = 2 * energy[0] * ((root - 1) / (root + 1)) ** np.arange(steps + 1)
    size = np.linalg.norm(start)
    # Whole steps instead of exact ones, since those do not see how long a direction is.
    whole = minimise(objective, start / condition, Lbfgs(4, unit_length), 4).points
    kept = [(change, matrix @ change) for change in np.diff(whole, axis=0)]
    gaps = [kept[k][0] + _updated(kept[:k]) @ matrix @ whole[k] for k in range(1, 4)]
    pairs = [(change, matrix @ change) for change in rng.normal(size=(5, dimension))]
    return Outcome(
        (
            at_most(
                "two loops over pairs of changes away from the updates of the inverse Hessian",
                np.abs(two_loops(start, pairs) - _updated(pairs) @ start).max() / size,
                1e-12,
            ),
            at_most(
                "whole steps away from minus the matrix times the gradient, relative",
                np.abs(gaps).max() / np.abs(whole).max(),
                1e-9,
            ),
            at_most("largest distance of the two paths", np.abs(ours - theirs).max() / size, 1e-9),
            at_most("and of the points of least energy", np.abs(theirs - best).max() / size, 1e-9),
            at_most("largest energy norm over its bound", (energy / bound).max(), 1),
        ),
        sequences(
            "Energy norm",
            "step",
            "energy norm",
            {
                "conjugate gradients": energy,
                "L-BFGS": np.sqrt(np.einsum("ki,ij,kj->k", ours, matrix, ours)),
                "bound": bound,
            },
            log=True,
        ),
    )


def _updated(pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the matrix that BFGS has after pairs of changes (s, y) of point and gradient.

    H <- (1 - s y^T / s.y) H (1 - y s^T / s.y) + s s^T / s.y, from s.y / y.y of the last pair.
    """
    s, y = pairs[-1]
    inverse = np.eye(len(s)) * (s @ y) / (y @ y)
    for s, y in pairs:
        left = np.eye(len(s)) - np.outer(s, y) / (s @ y)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
    return inverse


def _of_least_energy(matrix: np.ndarray, start: np.ndarray, steps: int) -> np.ndarray:
    """Return the point of least x^T A x in the start plus each Krylov space, by least squares."""
    root = np.linalg.cholesky(matrix).T
    found, basis = [start], np.zeros((len(start), 0))
    vector = matrix @ start
    for _ in range(steps):
        vector = vector - basis @ (basis.T @ vector)
        vector = vector - basis @ (basis.T @ vector)  # twice, against rounding
        basis = np.column_stack([basis, vector / np.linalg.norm(vector)])
        shares = np.linalg.lstsq(root @ basis, -root @ start, rcond=None)[0]
        found.append(start + basis @ shares)
        vector = matrix @ basis[:, -1]
    return np.array(found)
