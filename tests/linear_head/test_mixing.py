"""Mixup of features: the expectation, and when it is a regulariser."""

from collections.abc import Callable

import numpy as np
import pytest

from dlmath.linear_head import Mixing, fit_head
from dlmath.linear_head.expected_loss import ExpectedLoss
from dlmath.linear_head.mixing import beta_nodes
from dlmath.linear_head.objective import Objective
from dlmath.linear_head.softmax import sum_zero_basis
from dlmath.linear_head.standardized_features import StandardizedFeatures

Clouds = Callable[..., tuple[np.ndarray, ...]]
EVERY = 10_000  # partners: more than there are


def loss_of(data: tuple[np.ndarray, ...], expected: ExpectedLoss, at: np.ndarray) -> float:
    features, targets, weights, _ = data
    penalty = np.ones((features.shape[1], 1))
    rows = StandardizedFeatures(features, weights)
    return float(Objective(rows, targets, weights[:, None], penalty, expected).at(at).loss[0])


def loss(data: tuple[np.ndarray, ...], mixing: Mixing, at: np.ndarray) -> float:
    return loss_of(data, mixing.expected_loss(data[1]), at)


def loss_unmixed(data: tuple[np.ndarray, ...], at: np.ndarray) -> float:
    return loss_of(data, ExpectedLoss(), at)


def drawn_losses(
    data: tuple[np.ndarray, ...], alpha: float, at: np.ndarray, draws: int
) -> np.ndarray:
    """Cross-entropies of `draws` mixed rows, relative to the sum of weights."""
    features, targets, weights, _ = data
    rng = np.random.default_rng(7)
    i, j = rng.integers(len(weights), size=(2, draws))
    lam = rng.beta(alpha, alpha, draws)[:, None]
    x, v = StandardizedFeatures(features, weights).augment(features), weights[:, None] * targets
    mixed, label = lam * x[i] + (1 - lam) * x[j], lam * v[i] + (1 - lam) * v[j]
    scores = mixed @ at[:, 0] @ sum_zero_basis(targets.shape[1]).T
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return -(label * scores).sum(axis=1) / weights.mean()


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_expectation_is_that_of_draws(clouds: Clouds, classes: int, alpha: float) -> None:
    data = clouds(50, 4, classes)
    at = np.random.default_rng(0).normal(size=(5, 1, classes - 1))

    drawn = drawn_losses(data, alpha, at, 400_000)

    error = drawn.std() / np.sqrt(len(drawn))
    exact = loss(data, Mixing(alpha, partners=EVERY, nodes=8), at)
    assert abs(exact - drawn.mean()) < 4 * error
    assert error < 0.01 * exact


def test_more_partners_come_nearer_to_all(clouds: Clouds) -> None:
    data = clouds(200, 6)
    plain = fit_head(*data, l2=0.01).logits(data[0])
    whole = fit_head(*data, l2=0.01, mixing=Mixing(0.4, partners=EVERY)).logits(data[0])
    effect = np.linalg.norm(plain - whole)

    def left(partners: int, nodes: int = 4) -> float:
        """The mean error of four seeds, as a share of what mixing changes."""
        heads = [
            fit_head(*data, l2=0.01, mixing=Mixing(0.4, partners, nodes, seed)) for seed in range(4)
        ]
        errors = [np.linalg.norm(head.logits(data[0]) - whole) for head in heads]
        return float(np.mean(errors) / effect)

    assert left(32) < 0.1
    assert left(32) < 0.6 * left(8) < 0.15
    assert left(EVERY, nodes=6) < 0.002  # four nodes are as good as six


@pytest.mark.parametrize("alpha", [1e-6, 1e-3, 0.1, 0.5, 1.0, 4.0])
def test_the_quadrature_is_exact_for_polynomials(alpha: float) -> None:
    lams, shares = beta_nodes(alpha, 4)

    assert ((lams >= 0) & (lams <= 1)).all()
    for power in range(8):
        moment = np.prod([(alpha + k) / (2 * alpha + k) for k in range(power)])
        assert shares @ lams**power == pytest.approx(moment, rel=1e-9)
    assert shares @ lams**2 == pytest.approx((alpha + 1) / (2 * (2 * alpha + 1)))


@pytest.mark.parametrize("rows", [2, 3, 8, 9, 40, 41])
@pytest.mark.parametrize("partners", [2, 6, EVERY])
def test_every_row_meets_as_many_others(rows: int, partners: int) -> None:
    targets = np.eye(2)[np.arange(rows) % 2]
    expected_loss = Mixing(0.5, partners=partners, nodes=1).expected_loss(targets)

    met = np.zeros((rows, rows))
    for pairing in expected_loss.pairings:
        ones = np.arange(rows)
        partner = ones if pairing.partner is None else pairing.partner
        met[ones, partner] += pairing.mass / 2
        met[partner, ones] += pairing.mass / 2
        np.testing.assert_array_equal(
            partner[ones if pairing.inverse is None else pairing.inverse], ones
        )

    assert met.sum() == pytest.approx(rows)
    np.testing.assert_allclose(met.sum(axis=1), 1)
    others = np.count_nonzero(met, axis=1) - 1
    assert (others == min(partners, rows - 1)).all()
    if partners >= rows - 1:
        np.testing.assert_allclose(met, 1 / rows)


def test_partners_are_of_each_class_in_proportion() -> None:
    targets = np.eye(2)[(np.arange(1000) < 300).astype(int)]
    expected_loss = Mixing(0.5, partners=8, nodes=1).expected_loss(targets)

    both = sum(
        pairing.mass * (targets[:, 1] * pairing.forward(targets[:, 1]) * 2).sum()
        for pairing in expected_loss.pairings[1:]
    )
    # A positive row is half itself and, in 3 of 10 cases, half another positive one.
    assert both / 300 == pytest.approx(1.3, abs=0.02)


def test_for_the_squared_loss_mixing_is_a_stronger_penalty() -> None:
    """Slopes of ridge regression on mixed rows are those on plain rows with l2 / own."""
    rng = np.random.default_rng(0)
    alpha, l2, count = 0.7, 0.3, 30
    x, y = rng.normal(size=(count, 4)), rng.normal(size=count)
    x, y = x - x.mean(axis=0), y - y.mean()
    own = (alpha + 1) / (2 * alpha + 1)

    # Every pair at the nodes of a quadrature that is exact for squares.
    i, j = (axis.ravel() for axis in np.indices((count, count)))
    lams, shares = beta_nodes(alpha, 2)
    mixed = np.concatenate([lam * x[i] + (1 - lam) * x[j] for lam in lams])
    labels = np.concatenate([lam * y[i] + (1 - lam) * y[j] for lam in lams])
    weights = np.repeat(shares, count**2) / count**2
    with_mixing = ridge(mixed, labels, weights, l2)

    np.testing.assert_allclose(
        with_mixing, ridge(x, y, np.full(count, 1 / count), l2 / own), rtol=1e-10
    )


def ridge(x: np.ndarray, y: np.ndarray, weights: np.ndarray, l2: float) -> np.ndarray:
    x, y = x - weights @ x, y - weights @ y
    return np.linalg.solve(
        x.T @ (weights[:, None] * x) + l2 * np.eye(x.shape[1]), x.T @ (weights * y)
    )


def second_order(data: tuple[np.ndarray, ...], alpha: float, at: np.ndarray) -> float:
    """The loss of two classes with log(2 cosh z) replaced by log 2 + z^2 / 2, in closed form."""
    features, targets, weights, _ = data
    x = StandardizedFeatures(features, weights).augment(features)
    z = x @ at[:, 0, 0] / np.sqrt(2)  # logits (z, -z)
    own, other = (alpha + 1) / (2 * alpha + 1), alpha / (2 * alpha + 1)
    signed = targets @ [1, -1]
    bilinear = own * np.mean(signed * z) + other * signed.mean() * z.mean()
    return float(np.log(2) - bilinear + (own * np.mean(z**2) + other * z.mean() ** 2) / 2)


def test_for_the_logistic_loss_mixing_is_a_penalty_to_second_order_in_the_logits(
    clouds: Clouds,
) -> None:
    features, targets, _, groups = clouds(40, 3)
    data = (features, targets, np.ones(40), groups)
    at = 0.05 * np.random.default_rng(0).normal(size=(4, 1, 1))
    mixing = Mixing(0.5, partners=EVERY, nodes=16)

    whole, half = (
        loss(data, mixing, scale * at) - second_order(data, 0.5, scale * at) for scale in (1, 0.5)
    )

    # log(2 cosh z) = log 2 + z^2 / 2 - z^4 / 12 + ...: the rest is of fourth order.
    assert whole / half == pytest.approx(16, rel=0.02)


def test_and_no_better_as_alpha_goes_to_zero(clouds: Clouds) -> None:
    """The effect of mixing vanishes like alpha, and what a quadratic misses of it does too."""
    features, targets, _, groups = clouds(40, 3)
    data = (features, targets, np.ones(40), groups)
    at = np.random.default_rng(0).normal(size=(4, 1, 1))

    def effect(alpha: float) -> float:
        return loss(data, Mixing(alpha, partners=EVERY, nodes=16), at) - loss_unmixed(data, at)

    def missed(alpha: float) -> float:
        none = loss_unmixed(data, at) - second_order(data, 0.0, at)
        whole = loss(data, Mixing(alpha, partners=EVERY, nodes=16), at)
        return whole - second_order(data, alpha, at) - none

    assert effect(2e-4) / effect(1e-4) == pytest.approx(2, rel=1e-3)
    assert missed(2e-4) / missed(1e-4) == pytest.approx(2, rel=1e-3)
    assert abs(missed(1e-4)) > 0.1 * abs(effect(1e-4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 0.0}, "`alpha` must be above 0"),
        ({"alpha": float("nan")}, "`alpha` must be above 0"),
        ({"partners": 3}, "`partners` must be an even number"),
        ({"nodes": 0}, "`nodes` must be at least 1"),
    ],
)
def test_a_wrong_mixing_is_named(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Mixing(**{"alpha": 0.2, **change})
