"""Linear algebra with fractions, for small matrices as lists of rows: nothing is rounded."""

from collections.abc import Sequence
from fractions import Fraction

Vector = list[Fraction]
Matrix = list[Vector]


def times(matrix: Matrix, vector: Sequence[Fraction]) -> Vector:
    """Return the product of a matrix (m, n) and a vector (n,)."""
    return [sum((a * x for a, x in zip(row, vector, strict=True)), Fraction(0)) for row in matrix]


def power_traces(matrix: Matrix, longest: int) -> Vector:
    """Return the traces of the powers 1, ..., longest of a square matrix."""
    columns = identity_matrix(len(matrix))  # of the power, one list a column
    traces = []
    for _ in range(longest):
        columns = [times(matrix, column) for column in columns]
        traces.append(sum((column[k] for k, column in enumerate(columns)), Fraction(0)))
    return traces


def characteristic_polynomial(matrix: Matrix) -> Vector:
    """Return the coefficients of det(I - u A), from u^0 to u^N, by Newton's identities.

    k e_k = - sum over i = 1, ..., k of tr A^i e_(k - i), where e_k is the coefficient of u^k.
    """
    traces = power_traces(matrix, len(matrix))
    coefficients = [Fraction(1)]
    for k in range(1, len(matrix) + 1):
        total = sum((traces[i - 1] * coefficients[k - i] for i in range(1, k + 1)), Fraction(0))
        coefficients.append(-total / k)
    return coefficients


def solution(matrix: Matrix, right: Sequence[Fraction]) -> Vector | None:
    """Return the x with matrix x = right, matrix (m, n) of rank n; None if there is no such x.

    Raises:
        ArithmeticError: The rank is less than n.
    """
    columns = len(matrix[0]) if matrix else 0
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for column in range(columns):
        pivot = next((k for k in range(column, len(rows)) if rows[k][column]), None)
        if pivot is None:
            raise ArithmeticError(f"the matrix has a rank below {columns}")
        rows[column], rows[pivot] = rows[pivot], rows[column]
        lead = [entry / rows[column][column] for entry in rows[column]]
        rows = [
            lead if k == column else [a - row[column] * b for a, b in zip(row, lead, strict=True)]
            for k, row in enumerate(rows)
        ]
    if any(row[-1] for row in rows[columns:]):
        return None
    return [row[-1] for row in rows[:columns]]


def is_positive_definite(matrix: Matrix) -> bool:
    """Return whether a symmetric matrix is positive definite, by the signs of its pivots."""
    rows = [list(row) for row in matrix]
    while rows:
        pivot, rest = rows[0], rows[1:]
        if pivot[0] <= 0:
            return False
        rows = [
            [a - row[0] / pivot[0] * b for a, b in zip(row[1:], pivot[1:], strict=True)]
            for row in rest
        ]
    return True


def identity_matrix(size: int) -> Matrix:
    """Return the identity matrix."""
    return [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
