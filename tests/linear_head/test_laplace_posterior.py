"""The Laplace posterior against integration and against simulation."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit

from dlmath.linear_head import fit_head, laplace
from dlmath.linear_head.standardized_features import StandardizedFeatures

Clouds = Callable[..., tuple[np.ndarray, ...]]


def test_it_is_the_posterior_where_there_is_much_data() -> None:
    """One feature and a bias: the posterior can be summed on a grid."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 1))
    labels = (rng.random(2000) < expit(1.2 * x[:, 0] - 0.5)).astype(int)
    targets, weights, l2 = np.eye(2)[labels], np.ones(2000), 1e-3
    fit = fit_head(x, targets, weights, np.arange(2000), l2=l2)
    new = np.array([[-2.0], [0.0], [1.5]])

    ours = laplace(fit, x, targets, weights).predict(new)

    rows = StandardizedFeatures(x, weights)
    standard, bias = rows.standardise(x)[:, 0], fit.bias[1] - fit.bias[0]
    slope = float((fit.kernel[0, 1] - fit.kernel[0, 0]) * rows.scale[0])
    bias = float(bias + rows.mean[0] * (fit.kernel[0, 1] - fit.kernel[0, 0]))
    slopes, biases = np.meshgrid(
        slope + np.linspace(-0.5, 0.5, 121), bias + np.linspace(-0.5, 0.5, 121), indexing="ij"
    )
    odds = slopes[..., None] * standard + biases[..., None]
    # |W|^2 is half the square of the difference of its columns.
    log_density = (labels * odds - np.logaddexp(0, odds)).sum(axis=-1) - l2 * 2000 * slopes**2 / 4
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    for number, place in enumerate(rows.standardise(new)[:, 0]):
        there = slopes * place + biases
        mean = (density * there).sum()
        deviation = np.sqrt((density * (there - mean) ** 2).sum())
        assert ours.log_odds[number, 1] == pytest.approx(mean, abs=0.2 * deviation)
        assert ours.standard_deviation[number, 1] == pytest.approx(deviation, rel=0.03)


def test_two_classes_are_as_sure_as_each_other(clouds: Clouds) -> None:
    features, targets, weights, groups = clouds()
    fit = fit_head(features, targets, weights, groups, l2=0.05)

    ours = laplace(fit, features, targets, weights).predict(features)

    np.testing.assert_allclose(ours.standard_deviation[:, 0], ours.standard_deviation[:, 1])
    np.testing.assert_allclose(ours.low[:, 0], 1 - ours.high[:, 1])
    assert (ours.low < ours.probabilities).all()
    assert (ours.probabilities < ours.high).all()


def test_three_classes_of_which_one_is_far_are_two(clouds: Clouds) -> None:
    """The order of the classes plays no part, and the delta method holds for log-odds."""
    features, targets, weights, groups = clouds(classes=3)
    order = [2, 0, 1]
    fit = fit_head(features, targets, weights, groups, l2=0.05)
    other = fit_head(features, targets[:, order], weights, groups, l2=0.05)

    ours = laplace(fit, features, targets, weights).predict(features[:9])
    theirs = laplace(other, features, targets[:, order], weights).predict(features[:9])

    np.testing.assert_allclose(
        theirs.standard_deviation, ours.standard_deviation[:, order], rtol=1e-6
    )


def test_more_data_and_more_penalty_make_surer(clouds: Clouds) -> None:
    features, targets, weights, groups = clouds()

    def deviation(factor: float, l2: float) -> float:
        fit = fit_head(features, targets, factor * weights, groups, l2=l2)
        made = laplace(fit, features, targets, factor * weights)
        return float(made.predict(features).standard_deviation.mean())

    assert deviation(4, 0.05) == pytest.approx(deviation(1, 0.05) / 2)
    assert deviation(1, 0.5) < deviation(1, 0.05)


def coverage(
    patients: int, rows_each: int, alike: float, by_patient: bool, repeats: int = 300
) -> float:
    """The share of 95 % intervals that hold the true probability of a new patient.

    The truth is drawn from the prior, as the posterior supposes. Rows of a patient share a part
    `alike` of the variance of their features, and a deviation of their log-odds as large.
    """
    rng = np.random.default_rng(0)
    width, l2 = 5, 0.01
    count = patients * rows_each
    groups = np.repeat(np.arange(patients), rows_each)
    nodes, shares = np.polynomial.hermite_e.hermegauss(40)
    held = []
    for _ in range(repeats):
        slope = rng.normal(size=width) * np.sqrt(2 / (l2 * count))
        common = rng.normal(size=(patients, width))[groups]
        x = np.sqrt(alike) * common + np.sqrt(1 - alike) * rng.normal(size=(count, width))
        deviation = alike * rng.normal(size=patients)[groups]
        targets = np.eye(2)[(rng.random(count) < expit(x @ slope + deviation)).astype(int)]
        fit = fit_head(x, targets, np.ones(count), groups, l2=l2)
        posterior = laplace(fit, x, targets, np.ones(count), groups if by_patient else None)
        new = rng.normal(size=(20, width))
        ours = posterior.predict(new)
        truth = expit((new @ slope)[:, None] + alike * nodes) @ shares / shares.sum()
        held.append(((ours.low[:, 1] <= truth) & (truth <= ours.high[:, 1])).mean())
    return float(np.mean(held))


@pytest.mark.slow
@pytest.mark.parametrize("by_patient", [False, True])
def test_intervals_cover_what_they_say_for_independent_rows(by_patient: bool) -> None:
    assert coverage(300, 1, 0.0, by_patient, repeats=100) == pytest.approx(0.95, abs=0.02)


@pytest.mark.slow
def test_rows_that_are_alike_need_intervals_by_patient() -> None:
    assert coverage(100, 8, 0.8, by_patient=False) < 0.91
    assert coverage(100, 8, 0.8, by_patient=True) == pytest.approx(0.95, abs=0.03)


def test_by_patient_agrees_where_every_row_is_a_patient() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 3))
    targets = np.eye(2)[(rng.random(3000) < expit(x @ [1.0, -1.0, 0.0])).astype(int)]
    fit = fit_head(x, targets, np.ones(3000), np.arange(3000), l2=0.01)

    alone = laplace(fit, x, targets, np.ones(3000)).predict(x[:50])
    by_patient = laplace(fit, x, targets, np.ones(3000), np.arange(3000)).predict(x[:50])

    np.testing.assert_allclose(by_patient.standard_deviation, alone.standard_deviation, rtol=0.15)


def test_a_patient_twice_over_is_no_further_evidence(clouds: Clouds) -> None:
    features, targets, weights, groups = clouds(classes=3)
    twice = np.concatenate([np.arange(120), np.arange(120)])
    data = (features[twice], targets[twice], weights[twice], groups[twice])
    once = fit_head(features, targets, weights, groups, l2=0.05)
    again = fit_head(*data, l2=0.05)

    moved = laplace(once, features, targets, weights, groups).patient_steps
    moved_again = laplace(again, *data).patient_steps

    np.testing.assert_allclose(moved_again, moved, atol=1e-6)
