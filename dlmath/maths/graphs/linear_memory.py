r"""Memory of a linear network on a graph (Jaeger 2001), computed with fractions.

The network has a state in each node, a weight on each arc, and an input weight on each node:

    x_t = A x_{t-1} + b u_t,        so x_t = sum over k >= 0 of A^k b u_{t-k}.

u_t are independent, of mean 0 and variance 1. Then W = sum over k of A^k b (A^k b)^T is the
covariance of the state, the solution of W = A W A^T + b b^T, and the best linear readout of
u_{t-k} from x_t explains of its variance the share

    MC_k = (A^k b)^T W^+ (A^k b),        0 <= MC_k <= 1,

the *memory function*. Its sum is the *memory capacity*, tr(W^+ W) = rank W. Let r be the dimension
of the span K of b, A b, A^2 b, ..., and p the monic polynomial of degree r with p(A) b = 0.

**Theorem 1.** The memory function depends on p only, and the capacity is r <= N. Proof. In the
basis b, A b, ..., A^(r-1) b of K the network is the companion matrix of p with the input vector
e_1, and MC_k does not depend on the basis: (S v)^T (S W S^T)^-1 (S v) = v^T W^-1 v. W has the
image K, since v^T W v = sum of (v^T A^k b)^2.

**Theorem 2.** If A is nilpotent (the graph is acyclic), p = u^r and MC_k is 1 for k < r and 0 from
then on; with weights and inputs above 0, r is the number of nodes on the longest path that starts
where the input enters. Proof. Vectors A^k b that are not 0 are independent for a nilpotent A; so W
= the sum of r independent v v^T, and v^T W^-1 v = 1 for each. A^k b has an entry above 0 exactly
if there is a walk of k arcs from an input.

**Theorem 3.** With weights and inputs above 0, and A stable, MC_k > 0 for all k if a cycle can be
reached from an input, and otherwise only for finitely many. Proof. A^k b is not 0, and lies in K.

So the *depth*, the number of k with MC_k > 0, is finite if and only if no cycle is reached; the
*capacity*, the sum, is at most N in every case.

**Theorem 4.** If r = N, then p is the characteristic polynomial of A. Networks of one size with
the same zeta series det(I - uA)^-1 and r = N have the same memory function. More: r = N and the
zeta series give p = u^(N - d) times the reversed det(I - uA), d its degree.

Source: Jaeger, "Short term memory in echo state networks", GMD report 152, 2001; the dimension of
K for weights in general position is Hosoe's, "Determination of generic dimensions of controllable
subspaces and its application", IEEE Transactions on Automatic Control 25, 1980.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from dlmath.errors import UserError
from dlmath.maths.graphs.digraph import Digraph
from dlmath.maths.graphs.rational import (
    Matrix,
    Vector,
    characteristic_polynomial,
    identity_matrix,
    is_positive_definite,
    solution,
    times,
)


@dataclass(frozen=True)
class LinearNetwork:
    """A linear network on a graph.

    Attributes:
        graph: Its nodes hold the state.
        weights: (arcs,), fractions.
        inputs: (nodes,), how strongly the input enters each node.

    Raises:
        UserError: There is not one weight for each arc and one for each node.
    """

    graph: Digraph
    weights: tuple[Fraction, ...]
    inputs: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        sizes = len(self.weights), len(self.inputs)
        if sizes != (len(self.graph.sources), self.graph.nodes):
            raise UserError(
                f"A network on {self.graph.nodes} nodes and {len(self.graph.sources)} arcs needs a "
                f"weight for each. Received: {sizes[1]} for nodes, {sizes[0]} for arcs."
            )

    @property
    def matrix(self) -> Matrix:
        """A, (nodes, nodes): entry [j][i] is the sum of the weights of the arcs from i to j."""
        rows = [[Fraction(0)] * self.graph.nodes for _ in range(self.graph.nodes)]
        for (source, target), weight in zip(self.graph.arcs, self.weights, strict=True):
            rows[target][source] += weight
        return rows

    def impulse_response(self, steps: int) -> list[Vector]:
        """Return A^k b for k = 0, ..., steps - 1."""
        matrix, vector, found = self.matrix, list(self.inputs), []
        for _ in range(steps):
            found.append(vector)
            vector = times(matrix, vector)
        return found

    @property
    def recurrence(self) -> Vector:
        """The (r,) coefficients c of A^r b = sum over k < r of c_k A^k b, with the least r.

        They are those of p, negated. Its length r is the memory capacity.
        """
        powers = self.impulse_response(self.graph.nodes + 1)
        for r, vector in enumerate(powers):
            rows = [[power[node] for power in powers[:r]] for node in range(self.graph.nodes)]
            found = solution(rows, vector)
            if found is not None:
                return found
        raise AssertionError("N + 1 vectors of length N are dependent")

    @property
    def capacity(self) -> int:
        """The memory capacity: the dimension r of the states that the input can reach.

        It is the sum of the memory function where that is defined, for stable networks.
        """
        return len(self.recurrence)

    def memory_function(self, steps: int) -> Vector:
        """Return MC_0, ..., MC_(steps - 1), exactly.

        Raises:
            UserError: What the input reaches is not stable, so that the state has no variance.
        """
        coefficients = self.recurrence
        if not coefficients:
            return [Fraction(0)] * steps
        state = _companion(coefficients)
        covariance = stationary_covariance(state)
        vector, found = identity_matrix(len(coefficients))[0], []
        for _ in range(steps):
            found.append(_product(vector, solution(covariance, vector) or []))
            vector = times(state, vector)
        return found

    @property
    def inverse_zeta(self) -> tuple[Fraction, ...]:
        """The coefficients of det(I - u A), from u^0 on, without zeros at the end."""
        found = characteristic_polynomial(self.matrix)
        while not found[-1]:
            found.pop()
        return tuple(found)


def uniform_network(
    graph: Digraph, weight: Fraction, inputs: Sequence[int] | None = None
) -> LinearNetwork:
    """Return the network with one weight on all arcs, and input 1 in some nodes, or in all."""
    fed = range(graph.nodes) if inputs is None else inputs
    return LinearNetwork(
        graph,
        (weight,) * len(graph.sources),
        tuple(Fraction(int(node in fed)) for node in range(graph.nodes)),
    )


def stationary_covariance(state: Matrix) -> Matrix:
    """Return the W with W = A W A^T + e_1 e_1^T, for a companion matrix A of size r.

    Such a W that is positive definite exists if and only if A is stable: W >= sum of the first n
    terms of the series then, which converges.

    Raises:
        UserError: A is not stable.
    """
    size = len(state)
    places = [(i, j) for i in range(size) for j in range(i, size)]
    number = {place: k for k, place in enumerate(places)}
    rows = []
    for i, j in places:
        row = [Fraction(0)] * len(places)
        row[number[i, j]] += 1
        for k in range(size):
            for m in range(size):
                row[number[min(k, m), max(k, m)]] -= state[i][k] * state[j][m]
        rows.append(row)
    right = [Fraction(int(place == (0, 0))) for place in places]
    try:
        values = solution(rows, right) or []
    except ArithmeticError:
        values = []
    covariance = [
        [values[number[min(i, j), max(i, j)]] if values else Fraction(0) for j in range(size)]
        for i in range(size)
    ]
    if not is_positive_definite(covariance):
        raise UserError(
            "The memory function needs a stable network: every eigenvalue that the input reaches "
            "below 1 in absolute value. Received: characteristic coefficients "
            f"{[str(row[-1]) for row in state]}. Make the weights smaller."
        )
    return covariance


def _companion(coefficients: Vector) -> Matrix:
    """Return the matrix of A in the basis b, A b, ..., A^(r-1) b."""
    size = len(coefficients)
    return [
        [coefficients[i] if j == size - 1 else Fraction(int(i == j + 1)) for j in range(size)]
        for i in range(size)
    ]


def _product(first: Sequence[Fraction], second: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(first, second, strict=True)), Fraction(0))
