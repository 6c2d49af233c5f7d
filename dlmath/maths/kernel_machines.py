r"""Support vector machines with kernels, solved two multipliers at a time, and exactly.

With k a kernel and f(x) = sum_i a_i y_i k(x_i, x) + b the machine of cost C minimises

    P(f, b) = |f - b|^2 / 2 + C sum_i max(0, 1 - y_i f(x_i)),    |f - b|^2 = sum_ij a_i a_j Q_ij,

with Q_ij = y_i y_j k(x_i, x_j). The dual problem is to maximise

    D(a) = sum_i a_i - a^T Q a / 2    over    0 <= a_i <= C,   y^T a = 0.

D <= P for all that is allowed, and at the optimum both are equal. There a_i = 0 where y_i f(x_i) >
1, a_i = C where it is below 1, and what lies between has y_i f(x_i) = 1 (Karush, Kuhn and Tucker).

Sources: Tsemo, line 23; Boser, Guyon and Vapnik, "A training algorithm for optimal margin
classifiers", 1992; Fan, Chen and Lin, "Working set selection using second order information for
training support vector machines", 2005, section 2 (the method of LIBSVM and of scikit-learn).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

FLAT = 1e-12  # least curvature along a pair, for points that the kernel does not tell apart
EDGE = 1e-6  # share of C within which a multiplier is taken to be at its bound


@dataclass(frozen=True)
class Machine:
    """A trained machine.

    Attributes:
        multipliers: (N,), the a_i.
        labels: (N,), +1 or -1.
        bias: b.
        steps: How many pairs were changed.
    """

    multipliers: np.ndarray
    labels: np.ndarray
    bias: float
    steps: int

    def __call__(self, kernel: np.ndarray) -> np.ndarray:
        """Return f, (M,), from the kernel of M points with the N training points, (M, N)."""
        return kernel @ (self.multipliers * self.labels) + self.bias


def train_machine(
    kernel: np.ndarray,
    labels: np.ndarray,
    cost: float,
    *,
    tolerance: float = 1e-11,
    most: int = 10_000,
) -> Machine:
    """Return the machine that maximises D.

    With e_i = y_i - sum_j a_j y_j k_ij the optimality conditions say that e_i <= e_j for every
    pair of which y_i a_i may rise and y_j a_j fall. Each step takes the pair that violates them by
    most, in the measure of its gain, and moves both by the same d = (e_i - e_j) / (k_ii + k_jj - 2
    k_ij), or as far as the bounds allow.

    Args:
        kernel: (N, N), symmetric.
        labels: (N,), +1 or -1, both of them.
        cost: C, above 0.
        tolerance: Largest violation at which to stop.
        most: Steps after which to give up.
    """
    a, e = np.zeros(len(labels)), np.asarray(labels, float).copy()
    diagonal, positive = np.diag(kernel), labels > 0
    for step in range(most):  # noqa: B007
        rises = np.where(positive, a < cost, a > 0)
        falls = np.where(positive, a > 0, a < cost)
        i = int(np.argmax(np.where(rises, e, -np.inf)))
        gap = np.where(falls, e[i] - e, -np.inf)
        if gap.max() <= tolerance:
            break
        curvature = np.maximum(diagonal[i] + diagonal - 2 * kernel[i], FLAT)
        j = int(np.argmax(np.where(gap > 0, gap**2 / curvature, -np.inf)))
        room = min(cost - a[i] if positive[i] else a[i], a[j] if positive[j] else cost - a[j])
        move = min(gap[j] / curvature[j], room)
        a[i] = np.clip(a[i] + labels[i] * move, 0, cost)
        a[j] = np.clip(a[j] - labels[j] * move, 0, cost)
        e -= move * (kernel[:, i] - kernel[:, j])
    rises = np.where(positive, a < cost, a > 0)
    falls = np.where(positive, a > 0, a < cost)
    return Machine(a, labels, float(e[rises].max() + e[falls].min()) / 2, step)


def primal(kernel: np.ndarray, machine: Machine, cost: float) -> float:
    """Return P for the machine's f and b, whatever its multipliers are."""
    signed = machine.multipliers * machine.labels
    slack = np.maximum(0, 1 - machine.labels * machine(kernel))
    return float(signed @ kernel @ signed / 2 + cost * slack.sum())


def dual(kernel: np.ndarray, labels: np.ndarray, multipliers: np.ndarray) -> float:
    """Return D."""
    signed = multipliers * labels
    return float(multipliers.sum() - signed @ kernel @ signed / 2)


@dataclass(frozen=True)
class ExactMachine:
    """A machine in fractions.

    Attributes:
        multipliers: The a_i.
        outputs: f(x_i).
        bias: b.
        value: D.
        gap: P - D.
        violation: The farthest that the conditions of Karush, Kuhn and Tucker are missed.
        outside: The farthest that the constraints 0 <= a <= C and y^T a = 0 are missed.
    """

    multipliers: list[Fraction]
    outputs: list[Fraction]
    bias: Fraction
    value: Fraction
    gap: Fraction
    violation: Fraction
    outside: Fraction


def exact_machine(
    kernel: Sequence[Sequence[int]], machine: Machine, cost: Fraction
) -> ExactMachine:
    """Return the machine with the same active set as `machine`, solved for in fractions.

    Multipliers near a bound are put on it; those between the bounds, and b, solve y_i f(x_i) = 1
    and y^T a = 0. A gap of 0 without a violation proves that it is the optimum.

    Args:
        kernel: (N, N) integers.
        machine: Of `train_machine`.
        cost: C.
    """
    y = [int(label) for label in machine.labels]
    edge = EDGE * float(cost)
    a = [cost if value > float(cost) - edge else Fraction(0) for value in machine.multipliers]
    free = [i for i, v in enumerate(machine.multipliers) if edge < v <= float(cost) - edge]
    fixed = [sum((a[j] * y[j] * row[j] for j in range(len(y))), Fraction(0)) for row in kernel]
    rows = [[Fraction(y[j] * kernel[i][j]) for j in free] + [Fraction(1)] for i in free]
    rows.append([Fraction(y[j]) for j in free] + [Fraction(0)])
    right = [y[i] - fixed[i] for i in free]
    right.append(-sum((a[j] * y[j] for j in range(len(y))), Fraction(0)))
    near = [Fraction(machine.multipliers[i]) for i in free] + [Fraction(machine.bias)]
    *solved, bias = solve_in_fractions(rows, right, near)
    for i, value in zip(free, solved, strict=True):
        a[i] = value
    inner = [sum((a[j] * y[j] * row[j] for j in range(len(y))), Fraction(0)) for row in kernel]
    return _judged(a, y, [value + bias for value in inner], bias, cost)


def _judged(
    a: list[Fraction], y: list[int], outputs: list[Fraction], bias: Fraction, cost: Fraction
) -> ExactMachine:
    """Return the exact machine with its gap and what it misses."""
    margins = [label * f for label, f in zip(y, outputs, strict=True)]
    square = sum((v * (m - s * bias) for v, m, s in zip(a, margins, y, strict=True)), Fraction(0))
    slack = sum((max(Fraction(0), 1 - m) for m in margins), Fraction(0))
    value = sum(a, Fraction(0)) - square / 2
    gap = square / 2 + cost * slack - value
    missed = [
        max(1 - m if v < cost else Fraction(0), m - 1 if v > 0 else Fraction(0), Fraction(0))
        for v, m in zip(a, margins, strict=True)
    ]
    balance = abs(sum((v * s for v, s in zip(a, y, strict=True)), Fraction(0)))
    outside = max(balance, *(max(-v, v - cost) for v in a), Fraction(0))
    return ExactMachine(a, outputs, bias, value, gap, max(missed), outside)


def solve_in_fractions(
    rows: list[list[Fraction]], right: list[Fraction], near: list[Fraction]
) -> list[Fraction]:
    """Return the solution of rows x = right by elimination, in fractions.

    Unknowns that the equations leave open, and there are some where the kernel has a low rank, keep
    their values of `near`, rounded to a denominator of at most a million.
    """
    table = [[*row, value] for row, value in zip(rows, right, strict=True)]
    pivots: list[int] = []
    for column in range(len(near)):
        below = range(len(pivots), len(table))
        found = max(below, key=lambda r: abs(table[r][column]), default=None)
        if found is None or table[found][column] == 0:
            continue
        top = len(pivots)
        table[top], table[found] = table[found], table[top]
        table[top] = [value / table[top][column] for value in table[top]]
        for r, row in enumerate(table):
            if r != top and row[column]:
                table[r] = [v - row[column] * p for v, p in zip(row, table[top], strict=True)]
        pivots.append(column)
    x = [value.limit_denominator(1_000_000) for value in near]
    open_ = [column for column in range(len(near)) if column not in pivots]
    for r, column in enumerate(pivots):
        x[column] = table[r][-1] - sum((table[r][c] * x[c] for c in open_), Fraction(0))
    return x
