"""Paired tests against the formulas of their papers, and against all choices of signs."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from dlmath.evaluation.paired import delong_test, mcnemar_test
from dlmath.stats import auc_parts

# Albumin, total protein, Krebs-Goplerud score, and whether surgery helped (1), of the 43 patients
# with all three, of the 49 of DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988, section 3. As
# printed in the SAS/STAT User's Guide, the LOGISTIC procedure, "Comparing Receiver Operating
# Characteristic Curves".
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
1.6 5.6 5 1  3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
3.6 6.6 5 1
"""

# The order of three measurements on admission, the neurological grade (wfns) and the proteins NDKA
# and S100b, of 113 patients with aneurysmal subarachnoid haemorrhage: first the 41 with a poor
# outcome, then the 72 with a good one. Measured by Turck et al., Intensive Care Medicine 36(1),
# 2010; the order is what the placement values tell in the tests of the R package pROC
# (helper-deLongPlacementsCpp-expected.R).
WFNS = """
3 2 4 5 5 5 5 2 5 2 1 2 5 4 4 2 5 5 5 2 5 2 5 2 4 5 4 4 1 4 4 2 2 5 5 2 2 5 5 5 5
1 1 1 1 5 1 2 2 1 2 2 1 1 1 2 1 2 1 1 3 4 1 4 1 5 5 1 1 2 4 1 1 2 2 1 2 1 2 2 1 1 1 1 2 1 2 1
1 3 2 4 2 1 4 1 1 5 4 2 2 1 1 1 3 1 2 2 4 4 1 1 1
"""
S100B = """
9 6 12 8 26 31 29 3 20 5 3 24 22 28 31 16 31 31 31 3 31 18 1 5 14 31 16 31 4 16 9 6 7 14 31 10 31
19 31 31 26
9 10 6 2 27 13 6 6 2 4 2 5 7 3 13 3 7 9 13 2 12 10 21 5 30 27 12 3 25 27 7 4 5 4 2 9 6 10 11 2 2
5 2 5 4 12 5 4 20 7 17 3 6 19 3 2 15 23 6 11 4 10 6 3 2 13 11 27 13 11 30 28
"""
NDKA = """
38 25 29 36 4 10 19 44 48 44 44 15 33 40 6 8 31 2 52 40 17 19 23 31 42 27 40 8 50 35 4 13 40 4 12
44 21 33 46 19 36
1 9 7 18 5 35 5 39 30 39 37 47 11 5 24 5 5 51 26 14 14 39 3 7 5 13 28 7 34 45 7 5 24 11 7 28 43 41
16 22 49 5 37 14 18 18 34 3 37 24 11 18 39 18 22 7 14 18 43 9 24 27 45 20 24 11 43 16 32 41 5 30
"""
SCORES = {"wfns": WFNS, "ndka": NDKA, "s100b": S100B}
# Z, p and the interval of the difference by pROC's `roc.test`, from its tests (test-roc.test.R).
PROC_TESTS = {
    ("wfns", "s100b"): (
        2.20898359144091,
        0.0271757822291882,
        0.0104061769564846,
        0.174214419249478,
    ),
    ("wfns", "ndka"): (
        2.79777591868904,
        0.00514557970691098,
        0.0634011709339876,
        0.3600405634833566,
    ),
    ("ndka", "s100b"): (
        -1.39077002573558,
        0.164295175223054,
        -0.2876917446341914,
        0.0488706064228094,
    ),
}
# Low end, AUC and high end of ndka by its `ci.auc` (test-ci.auc.R).
PROC_NDKA = 0.501244999271703, 0.611957994579946, 0.722670989888189


def delong_by_components(positive, scores):
    """Return the areas and their covariance S = S10 / m + S01 / n, as section 2 has them."""
    kernels = np.array(
        [
            [[(x > y) + (x == y) / 2 for y in score[~positive]] for x in score[positive]]
            for score in scores
        ]
    )  # (tests, m, n)
    s10, s01 = np.cov(kernels.mean(axis=2)), np.cov(kernels.mean(axis=1))
    return kernels.mean(axis=(1, 2)), s10 / kernels.shape[1] + s01 / kernels.shape[2]


@pytest.fixture
def ovarian():
    albumin, protein, risk, helped = np.array(OVARIAN.split(), float).reshape(-1, 4).T
    return helped == 0, {"albumin": -albumin, "protein": -protein, "risk": risk}


@pytest.mark.parametrize("other", ["albumin", "protein"])
def test_delongs_own_patients(ovarian, other):
    positive, tests = ovarian
    pair = tests[other], tests["risk"]
    areas, covariance = delong_by_components(positive, pair)
    contrast = np.array([1, -1])

    found = delong_test(positive, pair, np.arange(43))

    assert found.value == pytest.approx(contrast @ areas, abs=1e-12)
    expected = np.sqrt(contrast @ covariance @ contrast)
    assert found.standard_error == pytest.approx(expected, abs=1e-12)
    assert found.low < 0 < found.high
    assert found.p > 0.4


@pytest.fixture
def haemorrhage():
    tests = {name: np.array(text.split(), float) for name, text in SCORES.items()}
    return np.arange(113) < 41, tests


@pytest.mark.parametrize("pair", PROC_TESTS, ids="-".join)
def test_delongs_test_is_that_of_proc(haemorrhage, pair):
    positive, tests = haemorrhage

    found = delong_test(positive, (tests[pair[0]], tests[pair[1]]), np.arange(113))

    # pROC takes the normal distribution, where we take Student's.
    z, reach = found.value / found.standard_error, norm.ppf(0.975) * found.standard_error
    ours = z, 2 * norm.sf(abs(z)), found.value - reach, found.value + reach
    assert ours == pytest.approx(PROC_TESTS[pair], abs=1e-13)
    assert found.low < ours[2] < ours[3] < found.high
    assert ours[1] < found.p < ours[1] + 0.01


def test_delongs_interval_is_that_of_proc(haemorrhage):
    positive, tests = haemorrhage

    parts = auc_parts(positive, tests["ndka"], np.arange(113))

    # pROC's is on the scale of the AUC, ours on that of its log-odds.
    reach = norm.ppf(0.975) * np.sqrt(parts.variance()[0])
    found = parts.value - reach, parts.value, parts.value + reach
    assert found == pytest.approx(PROC_NDKA, abs=1e-13)


def test_copies_of_the_patients_change_nothing(ovarian):
    positive, tests = ovarian
    pair = tests["albumin"], tests["risk"]

    once = delong_test(positive, pair, np.arange(43))
    copied = delong_test(
        np.tile(positive, 4), tuple(np.tile(s, 4) for s in pair), np.tile(np.arange(43), 4)
    )

    assert copied == pytest.approx(once)


def test_a_score_and_itself_do_not_differ(ovarian):
    positive, tests = ovarian

    found = delong_test(positive, (tests["risk"], 3 * tests["risk"]), np.arange(43))

    assert found == (0, 0, 0, 0, 1)


def test_the_one_less_the_other_is_the_other_way_round(ovarian):
    positive, tests = ovarian
    pair = tests["albumin"], tests["protein"]

    found = delong_test(positive, pair, np.arange(43))
    turned = delong_test(positive, pair[::-1], np.arange(43))

    expected = (-found.value, -found.high, -found.low, found.standard_error, found.p)
    assert turned == pytest.approx(expected)


def test_one_patient_of_a_class_cannot_be_compared(ovarian):
    positive, tests = ovarian
    clusters = np.where(positive, 0, np.arange(1, 44))

    assert delong_test(positive, (tests["albumin"], tests["risk"]), clusters) is None


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_of_single_images_it_is_mcnemars_exact_test(decisions):
    first, second = np.array(decisions).T

    found = mcnemar_test((first, second), np.arange(len(first)))

    discordant = found.only_first + found.only_second
    expected = binomtest(found.only_first, discordant).pvalue if discordant else 1
    assert found.p == pytest.approx(expected)
    assert found.p_by_patient == pytest.approx(expected)


@settings(max_examples=50)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=8))
def test_of_patients_it_is_the_share_of_the_signs(surplus):
    """A patient with a surplus of d has |d| images that only one classifier has right."""
    sizes = np.abs(surplus)
    clusters = np.repeat(np.arange(len(sizes)), sizes + 1)  # and an image that both have right
    first, second = np.ones(len(clusters), bool), np.ones(len(clusters), bool)
    start = 0
    for size, net in zip(sizes, surplus, strict=True):
        (second if net > 0 else first)[start : start + size] = False
        start += size + 1
    sums = [np.dot(s, sizes) for s in itertools.product([-1, 1], repeat=len(sizes))]

    found = mcnemar_test((first, second), clusters)

    expected = np.mean(np.abs(sums) >= abs(sum(surplus)))
    assert found.p_by_patient == pytest.approx(expected)


def test_images_of_one_patient_are_one_witness():
    first, second = np.ones(50, bool), np.zeros(50, bool)

    found = mcnemar_test((first, second), np.zeros(50, int))

    assert found.p < 1e-10
    assert found.p_by_patient == 1
