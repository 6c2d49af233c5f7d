import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

from dlmath.evaluation.intervals import Sample, measure_metrics
from dlmath.evaluation.metric_table import METRICS
from dlmath.evaluation.patient_level import patients_worst_first
from dlmath.evaluation.slice_groups import Groups, by_kind
from dlmath.evaluation.slices import Slices, measure_slices, select, slices_as_json
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.seeds import generator

BINARY = DecisionRule(("NORMAL", "PNEUMONIA"), 16, "PNEUMONIA", Threshold(0.5, "validation"))


def drawn(seed=0, n=240, images=2) -> Sample:
    """Half of the images positive, two of each patient."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) // images % 2
    score = 1 / (1 + np.exp(-2 * (2 * truth - 1 + rng.normal(0, 1.2, n))))
    return Sample(BINARY, truth, np.column_stack([1 - score, score]), np.arange(n) // images)


def halves(n) -> Groups:
    rows = {"first": np.arange(n // 2), "second": np.arange(n // 2, n)}
    return Groups("half", rows)


def measured(sample, groups) -> Slices:
    return measure_slices(sample, groups, generator("slices"), 300)


def test_a_slice_has_the_figures_of_its_images_alone():
    sample = drawn()

    slices = measured(sample, halves(240))

    alone = measure_metrics(select(sample, np.arange(120)), generator("other"), 300)
    first = slices.groups["first"]
    assert (first.n, first.patients, first.rate) == (120, 60, "accuracy")
    assert first.by_class == {"NORMAL": 60, "PNEUMONIA": 60}
    assert first.against is None
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
        gap = measured(sample, Groups("random", rows)).gaps["a"]["accuracy"]
        hits += gap.low <= 0 <= gap.high
    # Binomial(40, 0.95) is below 33 once in 20,000 times.
    assert hits >= 33


def test_pairing_takes_out_what_both_sides_share():
    # Both groups hold one image of every patient, and the two are alike: nothing is left to vary.
    sample = drawn(images=1)
    twice = np.repeat(np.arange(240), 2)
    doubled = Sample(BINARY, sample.truth[twice], sample.probabilities[twice], twice)
    rows = {"left": np.arange(0, 480, 2), "right": np.arange(1, 480, 2)}

    slices = measured(doubled, Groups("eye", rows))

    assert slices.gaps["left"] == {}  # no width, so none is claimed
    assert slices.widest is None


def test_of_three_groups_each_is_held_against_the_others():
    thirds = {name: np.arange(80) + 80 * i for i, name in enumerate("abc")}
    sample = drawn()

    slices = measured(sample, Groups("third", thirds))

    assert list(slices.gaps) == ["a", "b", "c"]
    others = measure_metrics(select(sample, np.arange(80, 240)), generator("x"), 10)
    expected = slices.groups["a"].metrics["accuracy"].value - others.metrics["accuracy"].value
    assert slices.gaps["a"]["accuracy"].value == pytest.approx(expected)


def kinds_of(sample):
    """Return the positives as a third bacteria and two thirds virus, with its groups."""
    kinds = ["bacteria", "virus"]
    files = [f"p_{kinds[i % 3 % 2]}_1.png" if t else "n.png" for i, t in enumerate(sample.truth)]
    return by_kind(files, sample.truth == 1)


def test_a_kind_has_the_sensitivity_of_its_own_images_and_no_accuracy_of_shared_negatives():
    sample = drawn()
    groups = kinds_of(sample)

    bacteria = measured(sample, groups).groups["bacteria"]

    own = groups.rows["bacteria"]
    assert bacteria.n == len(own) == bacteria.by_class["PNEUMONIA"]
    assert bacteria.by_class["NORMAL"] == 0
    assert bacteria.against == {"NORMAL": 120, "PNEUMONIA": 0}
    assert bacteria.rate == "sensitivity"
    found = (sample.probabilities[own, 1] >= 0.5).mean()
    assert bacteria.metrics["sensitivity"].value == pytest.approx(found)
    defined = {name for name, figure in bacteria.metrics.items() if figure.value is not None}
    assert defined == {"sensitivity", "auc", "brier", "log_loss", "ece"}
    negatives = sample.probabilities[sample.truth == 0, 1]
    ranked = (sample.probabilities[own, 1][:, None] > negatives).mean()
    assert bacteria.metrics["auc"].value == pytest.approx(ranked)


def test_what_is_said_of_the_shared_negatives_does_not_change_a_kind_but_in_its_auc():
    sample = drawn()
    missed = drawn()
    missed.probabilities[missed.truth == 0] = [0.0, 1.0]  # every negative a false alarm

    before, after = (measured(one, kinds_of(one)).groups["virus"] for one in (sample, missed))

    changed = {name for name in METRICS if before.metrics[name] != after.metrics[name]}
    assert changed == {"auc"}


def test_kinds_are_compared_in_what_both_have():
    sample = drawn()

    slices = measured(sample, kinds_of(sample))

    gaps, (bacteria, virus) = slices.gaps["bacteria"], slices.groups.values()
    assert set(gaps) == {"sensitivity", "auc", "brier", "log_loss"}
    for name, gap in gaps.items():
        difference = bacteria.metrics[name].value - virus.metrics[name].value
        assert gap.value == pytest.approx(difference), name
        assert gap.low < gap.high


@pytest.mark.parametrize(("label", "rate"), [(1, "sensitivity"), (0, "specificity")])
def test_a_group_of_one_class_has_its_rate_in_the_place_of_accuracy(label, rate):
    sample = drawn()
    of_class = np.flatnonzero(sample.truth == label)
    rows = {"one": of_class[:40], "both": np.setdiff1d(np.arange(240), of_class[:40])}

    slices = measured(sample, Groups("ward", rows))

    one, alone = slices.groups["one"], select(sample, rows["one"])
    right = (alone.decision == alone.truth).mean()
    assert (one.rate, one.against) == (rate, None)
    assert one.metrics[rate].value == pytest.approx(right)
    assert one.metrics[rate].low < one.metrics[rate].high
    assert one.metrics["accuracy"].value is one.metrics["auc"].value is None
    assert one.metrics["ppv"].value is None
    assert "is given in the place of accuracy" in one.warnings[0]
    assert not any("Undefined" in warning for warning in one.warnings)
    assert slices.groups["both"].rate == "accuracy"
    assert rate in slices.gaps["one"]
    assert "accuracy" not in slices.gaps["one"]


def test_of_more_than_two_classes_the_one_there_is_has_its_sensitivity():
    three = DecisionRule(("a", "b", "c"), 16, None, None)
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 30)
    sample = Sample(three, truth, rng.dirichlet(np.ones(3), 90), np.arange(90))
    rows = {"of b": np.arange(30, 60), "others": np.setdiff1d(np.arange(90), np.arange(30, 60))}

    of_b = measured(sample, Groups("site", rows)).groups["of b"]

    assert of_b.by_class == {"a": 0, "b": 30, "c": 0}
    assert of_b.rate == "sensitivity"
    assert of_b.metrics["sensitivity"].value == pytest.approx((sample.decision[30:60] == 1).mean())


def test_an_empty_group_is_left_out_and_one_group_has_no_gap():
    rows = {"all": np.arange(240), "none": np.arange(0)}

    slices = measured(drawn(), Groups("one", rows))

    assert list(slices.groups) == ["all"]
    assert slices.gaps == {}


def test_a_gap_that_every_replicate_repeats_is_left_out_however_its_sums_round():
    # One image a group: a replicate that has both groups has the gap of the sample.
    score = np.array([0.2, 0.8, 0.9])
    sample = Sample(BINARY, np.array([1, 0, 1]), np.column_stack([1 - score, score]), np.arange(3))
    rows = {name: np.array([row]) for row, name in enumerate("abc")}

    slices = measured(sample, Groups("one", rows))

    widths = [gap.high - gap.low for gaps in slices.gaps.values() for gap in gaps.values()]
    assert min(widths, default=1) > 1e-9


def test_the_document_is_json_without_nan():
    slices = measured(drawn(), halves(240))

    document = json.loads(json.dumps(slices_as_json([slices]), allow_nan=False))

    assert set(document["half"]) == {"groups", "gaps"}
    assert set(document["half"]["groups"]["first"]["metrics"]["auc"]) == {"value", "low", "high"}


def test_the_document_is_as_the_schema_says():
    sample = drawn()
    schema = json.loads(files("dlmath.evaluation").joinpath("evaluation.schema.json").read_text())
    schema["required"] = ["slices"]
    found = [measured(sample, groups) for groups in (halves(240), kinds_of(sample))]

    document = json.loads(json.dumps({"slices": slices_as_json(found)}, allow_nan=False))
    jsonschema.Draft202012Validator(schema).validate(document)


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
