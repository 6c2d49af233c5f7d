from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.svm import SVC

from dlmath import seeds
from dlmath.maths.kernel_machines import (
    Machine,
    dual,
    exact_machine,
    primal,
    solve_in_fractions,
    train_machine,
)

ROWS = seeds.generator("test", "machines").normal(size=(60, 3))
LABELS = np.where(np.sum(ROWS**2, axis=1) + 0.3 * ROWS[:, 0] > 2.2, 1, -1)
GAUSS = np.exp(-np.sum((ROWS[:, np.newaxis] - ROWS) ** 2, axis=2) / 2)
KERNELS = [ROWS @ ROWS.T, (1 + ROWS @ ROWS.T) ** 3, GAUSS]


@pytest.mark.parametrize("kernel", KERNELS, ids=["linear", "cubic", "Gauss"])
@pytest.mark.parametrize("cost", [0.1, 10.0])
def test_it_is_scikit_learns(kernel, cost):
    ours = train_machine(kernel, LABELS, cost, most=300_000)
    theirs = SVC(kernel="precomputed", C=cost, tol=1e-9).fit(kernel, LABELS)
    # scikit-learn stops at a violation of 1e-9, which leaves f open to about 1e-6 of its size.
    wanted = theirs.decision_function(kernel)
    np.testing.assert_allclose(ours(kernel), wanted, atol=2e-5 * np.abs(wanted).max())
    signed = np.zeros(len(LABELS))
    signed[theirs.support_] = theirs.dual_coef_[0]
    assert dual(kernel, LABELS, ours.multipliers) >= dual(kernel, LABELS, signed * LABELS) - 1e-9


def test_the_loss_is_that_of_its_definition():
    machine = train_machine(GAUSS, LABELS, 1.0)
    f = machine(GAUSS)
    slack = sum(max(0.0, 1 - y * value) for y, value in zip(LABELS, f, strict=True))
    square = sum(
        machine.multipliers[i] * machine.multipliers[j] * LABELS[i] * LABELS[j] * GAUSS[i, j]
        for i in range(60)
        for j in range(60)
    )
    assert primal(GAUSS, machine, 1.0) == pytest.approx(square / 2 + slack)
    assert primal(GAUSS, machine, 1.0) == pytest.approx(dual(GAUSS, LABELS, machine.multipliers))


def test_two_points_are_parted_half_way():
    # Points 0 and 4 of a line: f(x) = x / 2 - 1, of weight 1/2, so both multipliers are 1/8.
    kernel = [[0, 0], [0, 16]]
    machine = train_machine(np.array(kernel, float), np.array([-1, 1]), 5.0)
    exact = exact_machine(kernel, machine, Fraction(5))
    assert exact.multipliers == [Fraction(1, 8)] * 2
    assert exact.outputs == [-1, 1]
    assert (exact.gap, exact.violation, exact.outside) == (0, 0, 0)
    assert exact.value == Fraction(1, 8)


def test_the_wrong_active_set_leaves_a_gap():
    kernel = [[0, 0, 0], [0, 16, 8], [0, 8, 4]]  # of the points 0, 4 and 2
    labels = np.array([-1, 1, 1])
    wrong = Machine(np.array([0.125, 0.125, 0.0]), labels, -1.0, 0)  # as if 2 were not there
    exact = exact_machine(kernel, wrong, Fraction(5))
    assert exact.gap == 5  # C times the slack of the point 2, at f = 0
    assert exact.violation == 1
    right = train_machine(np.array(kernel, float), labels, 5.0)
    assert exact_machine(kernel, right, Fraction(5)).gap == 0


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(0, 2))
def test_equations_are_solved_exactly_whatever_their_rank(seed, size, lost):
    rng = np.random.default_rng(seed)
    square = rng.integers(-4, 5, (size, size))
    square[size - min(lost, size) :] = 0  # equations that say nothing
    truth = rng.integers(-9, 10, size)
    rows = [[Fraction(int(v)) for v in row] for row in square]
    right = [Fraction(int(v)) for v in square @ truth]
    found = solve_in_fractions(rows, right, [Fraction(1, 3)] * size)
    for row, value in zip(rows, right, strict=True):
        assert sum(a * x for a, x in zip(row, found, strict=True)) == value
