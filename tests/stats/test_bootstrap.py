import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.seeds import generator
from dlmath.stats import bootstrap
from dlmath.stats.bootstrap import Estimate, estimate, replicate_weights


def mean_of(values):
    return lambda weights: {"mean": weights @ values / weights.sum(axis=1)}


@settings(max_examples=30)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(0, 99))
def test_images_of_one_patient_always_count_alike(raw, seed):
    clusters = np.unique(raw, return_inverse=True)[1]
    patients = clusters.max() + 1

    weights = np.concatenate(list(replicate_weights(clusters, 20, generator(seed))))

    assert weights.shape == (20, len(clusters))
    first_image = np.unique(clusters, return_index=True)[1]
    np.testing.assert_array_equal(weights, weights[:, first_image][:, clusters])
    np.testing.assert_array_equal(weights[:, first_image].sum(axis=1), patients)


def test_the_draws_do_not_depend_on_the_chunks(monkeypatch):
    clusters = np.arange(30)
    whole = np.concatenate(list(replicate_weights(clusters, 50, generator(1))))

    monkeypatch.setattr(bootstrap, "_CHUNK", 30 * 7)
    chunks = list(replicate_weights(clusters, 50, generator(1)))

    assert [len(chunk) for chunk in chunks] == [7] * 7 + [1]
    np.testing.assert_array_equal(np.concatenate(chunks), whole)


def test_the_interval_of_a_mean_is_the_one_theory_gives():
    values = np.random.default_rng(0).normal(size=400)

    estimates, warnings = estimate(mean_of(values), np.arange(400), generator(0), 4_000)

    half = 1.96 * values.std() / np.sqrt(400)
    assert estimates["mean"].value == pytest.approx(values.mean())
    # 4,000 replicates leave a standard error of about 2.5 % on the ends.
    assert estimates["mean"].low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert estimates["mean"].high == pytest.approx(values.mean() + half, abs=0.1 * half)
    assert warnings == []


def test_patients_with_many_alike_images_widen_the_interval():
    values = np.repeat(np.random.default_rng(0).normal(size=40), 25)

    by_image = estimate(mean_of(values), np.arange(1_000), generator(0))[0]["mean"]
    by_patient = estimate(mean_of(values), np.repeat(np.arange(40), 25), generator(0))[0]["mean"]

    # 25 copies of each value: the image-wise interval is sqrt(25) times too narrow.
    ratio = (by_patient.high - by_patient.low) / (by_image.high - by_image.low)
    assert ratio == pytest.approx(5, rel=0.15)


def test_the_same_seed_gives_the_same_interval():
    values = np.arange(20.0)
    first = estimate(mean_of(values), np.arange(20), generator("a"))
    assert first == estimate(mean_of(values), np.arange(20), generator("a"))
    assert first != estimate(mean_of(values), np.arange(20), generator("b"))


def test_an_undefined_statistic_is_none_with_a_warning():
    estimates, warnings = estimate(
        lambda weights: {"auc": np.full(len(weights), np.nan)}, np.arange(5), generator(0)
    )

    assert estimates["auc"] == Estimate(None, None, None)
    assert warnings == ["Undefined, since they would divide by 0: auc."]


def test_replicates_without_a_value_are_left_out_with_a_warning():
    def share_of_first(weights):
        return {"share": np.where(weights[:, 0] > 0, 0.5, np.nan)}

    estimates, warnings = estimate(share_of_first, np.arange(10), generator(0))

    assert estimates["share"] == Estimate(0.5, 0.5, 0.5)
    assert len(warnings) == 1
    assert "share" in warnings[0]
    share = int(re.search(r"(\d+)% of the bootstrap", warnings[0])[1])
    assert share == pytest.approx(100 * 0.9**10, abs=3)  # 2,000 replicates leave a noise of 1


def test_one_patient_gives_a_value_without_an_interval():
    estimates, warnings = estimate(mean_of(np.arange(4.0)), np.zeros(4, int), generator(0))

    assert estimates["mean"] == Estimate(1.5, None, None)
    assert warnings == ["Too few patients for an interval of: mean."]


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Estimate(0.9642, 0.941, 0.983), "0.964 (0.941 to 0.983)"),
        (Estimate(0.5, None, None), "0.500"),
        (Estimate(None, None, None), "undefined"),
    ],
)
def test_an_estimate_reads_well(figure, text):
    assert str(figure) == text
