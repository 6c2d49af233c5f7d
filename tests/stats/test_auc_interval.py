"""The interval of the AUC: DeLong's for single images, and honest for patients with several."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binomtest, norm, t

from dlmath.linear_head.scores import auc
from dlmath.stats.auc_interval import auc_with_interval


def drawn(seed: int, rows: int = 40, patients: int = 12, levels: int = 15):
    """Labels, scores with ties, and patients of both classes."""
    rng = np.random.default_rng(seed)
    labels = np.r_[0, 1, rng.integers(0, 2, rows - 2)]
    return labels, rng.integers(0, levels, rows) + labels, rng.integers(0, patients, rows)


seeds = st.integers(0, 2**31 - 1)


def delong_by_pairs(labels, scores):
    """Return AUC, variance and degrees of freedom from all pairs, as DeLong et al. wrote them."""
    above, below = scores[labels == 1], scores[labels == 0]
    kernel = np.array([[(x > y) + (x == y) / 2 for y in below] for x in above])
    of_positives = kernel.mean(axis=1).var(ddof=1) / len(above)
    of_negatives = kernel.mean(axis=0).var(ddof=1) / len(below)
    total = of_positives + of_negatives
    freedom = total**2 / (of_positives**2 / (len(above) - 1) + of_negatives**2 / (len(below) - 1))
    return kernel.mean(), total, freedom


@pytest.mark.parametrize("seed", range(5))
def test_one_image_a_patient_gives_delongs_interval(seed: int) -> None:
    labels, scores, _ = drawn(seed)
    value, variance, freedom = delong_by_pairs(labels, scores)
    reach = t.ppf(0.975, freedom) * np.sqrt(variance) / (value * (1 - value))

    found = auc_with_interval(labels, scores, np.arange(len(labels)))

    assert found == pytest.approx((value, *expit(logit(value) + np.array([-reach, reach]))))


def obuchowski_by_patients(labels, scores, groups):
    """Return Obuchowski's variance, her eq. 4 to 6, patient by patient and pair by pair."""
    above, below = labels == 1, labels == 0
    order = (scores[:, None] > scores[below]) + (scores[:, None] == scores[below]) / 2
    area = order[above].mean()
    under = (scores[:, None] < scores[above]) + (scores[:, None] == scores[above]) / 2
    sums = [
        (
            (order[above & (groups == one)].mean(axis=1) - area).sum(),
            (under[below & (groups == one)].mean(axis=1) - area).sum(),
        )
        for one in np.unique(groups)
    ]
    p, q = np.array(sums).T
    with_p, with_q, everybody = (
        len(np.unique(groups[rows])) for rows in (above, below, above | below)
    )
    m, n = above.sum(), below.sum()
    return (
        with_p / (with_p - 1) * (p**2).sum() / m**2
        + with_q / (with_q - 1) * (q**2).sum() / n**2
        + 2 * everybody / (everybody - 1) * (p * q).sum() / (m * n)
    )


@pytest.mark.parametrize("seed", range(5))
def test_patients_with_several_images_give_obuchowskis_variance(seed: int) -> None:
    labels, scores, groups = drawn(seed, patients=400 if seed == 0 else 12)
    value, low, high = auc_with_interval(labels, scores, groups)
    reach = (logit(high) - logit(low)) / 2
    deviation = np.sqrt(obuchowski_by_patients(labels, scores, groups)) / (value * (1 - value))

    # The quantile lies between that of the smallest and that of the largest degrees of freedom.
    fewest = min(len(np.unique(groups[labels == k])) for k in (0, 1)) - 1
    most = len(np.unique(groups)) - 1
    assert t.ppf(0.975, most) - 1e-9 <= reach / deviation <= t.ppf(0.975, fewest) + 1e-9


@given(seed=seeds, levels=st.integers(1, 20), patients=st.integers(1, 40))
def test_the_interval_holds_the_area_and_is_no_wider_than_0_to_1(seed, levels, patients) -> None:
    labels, scores, groups = drawn(seed, patients=patients, levels=levels)
    value, low, high = auc_with_interval(labels, scores, groups)
    assert value == pytest.approx(auc(labels, scores))
    assert 0 <= low <= value <= high <= 1


@given(seed=seeds, order=st.permutations(range(40)))
def test_the_order_of_rows_and_the_scale_of_scores_do_not_matter(seed, order) -> None:
    labels, scores, groups = drawn(seed)
    moved = auc_with_interval(labels[order], np.exp(scores[order] / 5.0), groups[order] + 7)
    assert moved == pytest.approx(auc_with_interval(labels, scores, groups))


@given(seed=seeds)
def test_the_other_class_for_positive_mirrors_the_interval(seed) -> None:
    labels, scores, groups = drawn(seed)
    value, low, high = auc_with_interval(labels, scores, groups)
    mirrored = auc_with_interval(1 - labels, scores, groups)
    assert mirrored == pytest.approx((1 - value, 1 - high, 1 - low))


@given(seed=seeds, copies=st.integers(2, 5))
def test_copies_of_a_patients_images_tell_nothing_new(seed, copies) -> None:
    arrays = drawn(seed)
    copied = auc_with_interval(*(np.tile(array, copies) for array in arrays))
    assert copied == pytest.approx(auc_with_interval(*arrays))
    if copied.value not in (0, 1):
        naive = auc_with_interval(*(np.tile(a, copies) for a in arrays[:2]), np.arange(copies * 40))
        single = auc_with_interval(*arrays[:2], np.arange(40))
        assert naive.high - naive.low < single.high - single.low


@pytest.mark.parametrize("patients", [1, 2, 4, 9])
def test_a_perfect_separation_is_judged_by_independent_pairs(patients: int) -> None:
    labels = np.repeat([0, 1], patients)
    above = auc_with_interval(labels, labels, np.arange(2 * patients))
    exact = binomtest(patients, patients).proportion_ci(0.95, method="exact")
    assert above == pytest.approx((1, exact.low, 1))
    below = auc_with_interval(labels, -labels, np.arange(2 * patients))
    assert below == pytest.approx((0, 0, 1 - exact.low))


def test_patients_of_both_classes_make_half_as_many_pairs() -> None:
    labels = np.tile([0, 1], 6)
    assert auc_with_interval(labels, labels, np.repeat(np.arange(6), 2)).low == pytest.approx(
        0.025 ** (1 / 3)
    )


def test_patients_that_are_all_alike_do_not_pretend_to_certainty() -> None:
    """Their sums cancel but for rounding, and a variance of 1e-34 would be no evidence."""
    labels, scores = np.array([1, 1, 1, 0, 0, 0, 0]), np.array([3, 1, 7, 0, 2, 5, 9])
    found = auc_with_interval(np.tile(labels, 9), np.tile(scores, 9), np.repeat(np.arange(9), 7))
    assert found.high - found.low > 0.5


def test_one_patient_tells_nothing() -> None:
    labels, scores, _ = drawn(0)
    assert auc_with_interval(labels, scores, np.zeros(40))[1:] == (0, 1)


def test_without_a_class_there_is_no_area() -> None:
    assert np.isnan(auc_with_interval(np.ones(3), np.arange(3.0), np.arange(3))).all()


@pytest.mark.slow
@pytest.mark.parametrize("patients", [20, 100])
@pytest.mark.parametrize("mixed", [False, True], ids=["one-class-each", "both-classes-each"])
def test_95_percent_of_the_intervals_hold_the_truth(patients: int, *, mixed: bool) -> None:
    """Five images a patient, whose scores share half of their variance."""
    rng, inside, draws, shift = np.random.default_rng(1), 0, 2_000, 1.5
    truth = norm.cdf(shift / 2)  # two scores differ with variance 2 + 2
    groups = np.repeat(np.arange(patients), 5)
    for _ in range(draws):
        labels = rng.integers(0, 2, len(groups)) if mixed else groups % 2
        scores = shift * labels + rng.normal(size=patients)[groups] + rng.normal(size=len(groups))
        found = auc_with_interval(labels, scores, groups)
        inside += found.low <= truth <= found.high
    assert 0.93 <= inside / draws <= 0.97
