"""The objective's derivatives, and its products, against first principles."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.linear_head import Mixing
from dlmath.linear_head.expected_loss import ExpectedLoss
from dlmath.linear_head.objective import Objective
from dlmath.linear_head.softmax import log_sum_exp, sum_zero_basis
from dlmath.linear_head.standardized_features import StandardizedFeatures

Clouds = Callable[..., tuple[np.ndarray, ...]]


def make(data: tuple[np.ndarray, ...], mixing: Mixing | None, problems: int = 2) -> Objective:
    features, targets, weights, _ = data
    rng = np.random.default_rng(1)
    several = weights[:, None] * (rng.random((len(weights), problems)) < 0.8)
    penalty = rng.uniform(0.01, 1, (features.shape[1], problems))
    expected_loss = ExpectedLoss() if mixing is None else mixing.expected_loss(targets)
    return Objective(
        StandardizedFeatures(features, weights), targets, several, penalty, expected_loss
    )


@pytest.mark.parametrize("mixing", [None, Mixing(0.3)])
@pytest.mark.parametrize("classes", [2, 3])
def test_derivatives_are_those_of_finite_differences(
    clouds: Clouds, classes: int, mixing: Mixing | None
) -> None:
    objective = make(clouds(60, 4, classes), mixing)
    rng = np.random.default_rng(0)
    at, along = rng.normal(size=(2, 5, 2, classes - 1))
    step = 1e-5

    point = objective.at(at)
    ahead, behind = objective.at(at + step * along), objective.at(at - step * along)

    slope = (objective.gradient(point) * along).sum(axis=(0, 2))
    np.testing.assert_allclose(slope, (ahead.value - behind.value) / (2 * step), rtol=1e-8)
    bend = (objective.gradient(ahead) - objective.gradient(behind)) / (2 * step)
    ours = objective.hessian_times(point, along)
    # The product is coarse on purpose: float32 keeps seven digits.
    np.testing.assert_allclose(ours, bend, atol=1e-5 * np.abs(bend).max())


@pytest.mark.parametrize("classes", [2, 3])
def test_lumped_curvature_bounds_the_mixed_hessian(clouds: Clouds, classes: int) -> None:
    objective = make(clouds(40, 3, classes), Mixing(1.0), problems=1)
    rng = np.random.default_rng(0)
    point = objective.at(rng.normal(size=(4, 1, classes - 1)))
    # For two classes the lumped matrix is the bound itself; else its mean over the diagonal is.
    curvature = objective.row_curvature(point)[:, 0] * (classes - 1)

    for _ in range(50):
        along = rng.normal(size=(4, 1, classes - 1))
        mixed = (along * objective.hessian_times(point, along)).sum()
        seen = objective.rows.times(along)[:, 0]
        penalty = (objective.penalty[:, :, None] * along[:-1] ** 2).sum()
        assert mixed <= (curvature[:, None] * seen**2).sum() + penalty + 1e-6 * mixed


@settings(max_examples=20, deadline=None)
@given(classes=st.integers(2, 7))
def test_the_basis_is_orthonormal_and_sums_to_zero(classes: int) -> None:
    basis = sum_zero_basis(classes)

    np.testing.assert_allclose(basis.T @ basis, np.eye(classes - 1), atol=1e-14)
    np.testing.assert_allclose(basis.sum(axis=0), 0, atol=1e-14)


def test_log_sum_exp_stays_finite() -> None:
    value, p = log_sum_exp(np.array([[1e300, -1e300], [-1e300, -1e300], [800.0, 799.0]]))

    np.testing.assert_allclose(value, [1e300, -1e300, 800 + np.log1p(np.exp(-1))])
    np.testing.assert_allclose(p.sum(axis=1), 1)


@pytest.mark.parametrize("blocks", [False, True])
def test_products_with_the_rows(
    clouds: Clouds, blocks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if blocks:
        monkeypatch.setattr("dlmath.linear_head.standardized_features.HELD_BYTES", 0)
        monkeypatch.setattr("dlmath.linear_head.standardized_features.BLOCK_BYTES", 8 * 6 * 50)
    features, _, weights, _ = clouds()
    features[:, 2] = 0.1  # constant
    rows, rng = StandardizedFeatures(features, weights), np.random.default_rng(0)
    x = rows.augment(features)
    t, r = rng.normal(size=(7, 2, 3)), rng.normal(size=(120, 2, 3))

    np.testing.assert_allclose(np.average(x[:, :-1], axis=0, weights=weights), 0, atol=1e-12)
    variance = np.average(x[:, :-1] ** 2, axis=0, weights=weights)
    np.testing.assert_allclose(variance, [1, 1, 0, 1, 1, 1], atol=1e-12)
    np.testing.assert_allclose(rows.times(t), np.einsum("nd,dbr->nbr", x, t), atol=1e-12)
    np.testing.assert_allclose(rows.adjoint(r), np.einsum("nd,nbr->dbr", x, r), atol=1e-12)
    gram = rows.gram(weights)
    np.testing.assert_allclose(gram, x.T @ (weights[:, None] * x), atol=2e-4)
    np.testing.assert_array_equal(gram, gram.T, "its factor reads either triangle")
    np.testing.assert_allclose(
        rows.times(rows.restandardise(t)), np.einsum("nd,dbr->nbr", x, rows.restandardise(t))
    )
    raw = rows.unstandardise(t)
    np.testing.assert_allclose(
        np.einsum("nd,dbr->nbr", features, raw[:-1]) + raw[-1], rows.times(t), atol=1e-9
    )
