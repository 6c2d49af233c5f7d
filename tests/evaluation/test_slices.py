import json

import numpy as np
import pytest

from dlmath.evaluation.intervals import Sample, measure_metrics
from dlmath.evaluation.metrics import METRICS
from dlmath.evaluation.patient_level import patients_worst_first
from dlmath.evaluation.slice_groups import Groups, by_kind
from dlmath.evaluation.slices import Slices, measure_slices, select, slices_as_json
from dlmath.light.decider import Decider, Threshold
from dlmath.seeds import generator

BINARY = Decider(("NORMAL", "PNEUMONIA"), 16, "PNEUMONIA", Threshold(0.5, "validation"))


def drawn(seed=0, n=240, images=2) -> Sample:
    """Half of the images positive, two of each patient."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) // images % 2
    score = 1 / (1 + np.exp(-2 * (2 * truth - 1 + rng.normal(0, 1.2, n))))
    return Sample(BINARY, truth, np.column_stack([1 - score, score]), np.arange(n) // images)


def halves(n) -> Groups:
    rows = {"first": np.arange(n // 2), "second": np.arange(n // 2, n)}
    return Groups("half", rows, {"first": n // 2, "second": n // 2})


def measured(sample, groups) -> Slices:
    return measure_slices(sample, groups, generator("slices"), 300)


def test_a_slice_has_the_figures_of_its_images_alone():
    sample = drawn()

    slices = measured(sample, halves(240))

    alone = measure_metrics(select(sample, np.arange(120)), generator("other"), 300)
    first = slices.groups["first"]
    assert (first.n, first.own, first.patients) == (120, 120, 60)
    for name in METRICS:
        assert first.metrics[name].value == alone.metrics[name].value, name


def test_a_gap_is_the_difference_of_the_two_figures():
    slices = measured(drawn(), halves(240))

    first, second = slices.groups.values()
    assert list(slices.gaps) == ["first"]
    for name, gap in slices.gaps["first"].items():
        difference = first.metrics[name].value - second.metrics[name].value
        assert gap.value == pytest.approx(difference), name
        assert gap.low < gap.high


def test_a_group_on_which_the_classifier_fails_stands_out():
    sample = drawn()
    sample.probabilities[:60] = sample.probabilities[:60, ::-1]

    slices = measured(sample, halves(240))

    group, metric, gap = slices.widest
    assert (group, metric in METRICS) == ("first", True)
    assert slices.gaps["first"]["auc"].high < 0
    assert gap.high < 0 or gap.low > 0


@pytest.mark.slow
def test_without_a_difference_the_intervals_hold_zero():
    # 40 random halvings of one sample: the true gap is 0, and 95 % of the intervals hold it.
    sample, hits = drawn(3, 400), 0
    for seed in range(40):
        patients = np.random.default_rng(seed).permutation(200)
        chosen = np.isin(sample.clusters, patients[:100])
        rows = {"a": np.flatnonzero(chosen), "b": np.flatnonzero(~chosen)}
        gap = measured(sample, Groups("random", rows, {"a": 1, "b": 1})).gaps["a"]["accuracy"]
        hits += gap.low <= 0 <= gap.high
    # Binomial(40, 0.95) is below 33 once in 20,000 times.
    assert hits >= 33


def test_pairing_takes_out_what_both_sides_share():
    # Both groups hold one image of every patient, and the two are alike: nothing is left to vary.
    sample = drawn(images=1)
    twice = np.repeat(np.arange(240), 2)
    doubled = Sample(BINARY, sample.truth[twice], sample.probabilities[twice], twice)
    rows = {"left": np.arange(0, 480, 2), "right": np.arange(1, 480, 2)}

    slices = measured(doubled, Groups("eye", rows, {"left": 240, "right": 240}))

    assert slices.gaps["left"] == {}  # no width, so none is claimed
    assert slices.widest is None


def test_of_three_groups_each_is_held_against_the_others():
    thirds = {name: np.arange(80) + 80 * i for i, name in enumerate("abc")}
    sample = drawn()

    slices = measured(sample, Groups("third", thirds, dict.fromkeys("abc", 80)))

    assert list(slices.gaps) == ["a", "b", "c"]
    others = measure_metrics(select(sample, np.arange(80, 240)), generator("x"), 10)
    expected = slices.groups["a"].metrics["accuracy"].value - others.metrics["accuracy"].value
    assert slices.gaps["a"]["accuracy"].value == pytest.approx(expected)


def test_kinds_share_their_negatives():
    sample = drawn()
    kinds = ["bacteria", "virus"]
    files = [f"p_{kinds[i % 3 % 2]}_1.png" if t else "n.png" for i, t in enumerate(sample.truth)]

    slices = measured(sample, by_kind(files, sample.truth == 1))

    bacteria, virus = slices.groups.values()
    assert bacteria.metrics["specificity"].value == virus.metrics["specificity"].value
    assert "specificity" not in slices.gaps["bacteria"]
    assert slices.gaps["bacteria"]["sensitivity"].low < slices.gaps["bacteria"]["sensitivity"].high


def test_an_empty_group_is_left_out_and_one_group_has_no_gap():
    rows = {"all": np.arange(240), "none": np.arange(0)}

    slices = measured(drawn(), Groups("one", rows, {"all": 240, "none": 0}))

    assert list(slices.groups) == ["all"]
    assert slices.gaps == {}


def test_a_gap_that_every_replicate_repeats_is_left_out_however_its_sums_round():
    # One image a group: a replicate that has both groups has the gap of the sample.
    score = np.array([0.2, 0.8, 0.9])
    sample = Sample(BINARY, np.array([1, 0, 1]), np.column_stack([1 - score, score]), np.arange(3))
    rows = {name: np.array([row]) for row, name in enumerate("abc")}

    slices = measured(sample, Groups("one", rows, dict.fromkeys(rows, 1)))

    widths = [gap.high - gap.low for gaps in slices.gaps.values() for gap in gaps.values()]
    assert min(widths, default=1) > 1e-9


def test_the_document_is_json_without_nan():
    slices = measured(drawn(), halves(240))

    document = json.loads(json.dumps(slices_as_json([slices]), allow_nan=False))

    assert set(document["half"]) == {"groups", "gaps"}
    assert set(document["half"]["groups"]["first"]["metrics"]["auc"]) == {"value", "low", "high"}


def test_patients_with_most_mistakes_come_first():
    truth = np.array([1, 1, 0, 0, 1])
    probability = np.array([0.1, 0.4, 0.2, 0.9, 0.8])
    both = np.column_stack([1 - probability, probability])

    found = patients_worst_first(truth, probability >= 0.5, both, ["b", "b", "a", "c", "a"])

    assert [(one.patient, one.images, one.wrong) for one in found] == [
        ("b", 2, 2),
        ("c", 1, 1),
        ("a", 2, 0),
    ]
    assert found[1].log_loss == pytest.approx(-np.log(0.1))


def test_certain_and_wrong_is_a_large_loss_but_finite():
    found = patients_worst_first(np.array([1]), np.array([0]), np.array([[1.0, 0.0]]), ["a"])

    assert found[0].log_loss == pytest.approx(-np.log(np.finfo(float).eps))
