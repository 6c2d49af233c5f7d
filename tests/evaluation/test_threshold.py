import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from dlmath.errors import DataError, RecipeError
from dlmath.evaluation.threshold import RULES, Rule, choose_threshold, threshold_interval


@st.composite
def samples(draw):
    levels = draw(st.sampled_from([1, 4, 10**6]))
    scores = st.integers(0, levels).map(lambda level: level / levels)
    positive = draw(st.lists(scores, min_size=1, max_size=25))
    negative = draw(st.lists(scores, min_size=1, max_size=25))
    truth = np.repeat([1, 0], [len(positive), len(negative)])
    return truth, np.array(positive + negative)


@settings(max_examples=100)
@given(samples())
def test_youden_is_the_best_point_of_the_roc_curve(sample):
    truth, probability = sample
    false_positive_rate, true_positive_rate, _ = sk.roc_curve(truth, probability)

    decision = probability >= choose_threshold(truth, probability, "youden")

    ours = sk.balanced_accuracy_score(truth, decision) * 2 - 1
    assert ours == pytest.approx(np.max(true_positive_rate - false_positive_rate), abs=1e-12)


@settings(max_examples=100)
@given(samples())
def test_no_threshold_is_more_accurate(sample):
    truth, probability = sample
    tried = [0.0, *probability, np.nextafter(probability.max(), 2)]

    chosen = choose_threshold(truth, probability, "accuracy")

    right = [np.sum((probability >= threshold) == truth) for threshold in tried]
    assert np.sum((probability >= chosen) == truth) == max(right)


@settings(max_examples=50)
@given(samples(), st.randoms(use_true_random=False), st.sampled_from(RULES))
def test_the_order_of_the_images_does_not_matter(sample, random, rule):
    truth, probability = sample
    order = list(range(len(truth)))
    random.shuffle(order)

    shuffled = choose_threshold(truth[order], probability[order], rule)

    assert shuffled == choose_threshold(truth, probability, rule)


def rates(truth, probability, threshold):
    decided = probability >= threshold
    return decided[truth == 1].mean(), 1 - decided[truth == 0].mean()


@settings(max_examples=100)
@given(samples(), st.floats(0.05, 1), st.sampled_from(["sensitivity", "specificity"]))
def test_the_target_is_reached_and_the_other_rate_is_as_high_as_can_be(sample, target, name):
    truth, probability = sample
    index = ["sensitivity", "specificity"].index(name)

    chosen = choose_threshold(truth, probability, Rule(name, target))

    found = rates(truth, probability, chosen)
    assert found[index] >= target - 1e-9
    for threshold in [0.0, *probability, np.nextafter(probability.max(), 2)]:
        other = rates(truth, probability, threshold)
        if other[index] >= target:
            assert found[1 - index] >= other[1 - index]


def test_a_target_that_is_a_share_of_the_images_is_reached_exactly():
    """Each positive lies just above a negative: one of the 20 may be missed, not two."""
    negatives = np.arange(20) / 20
    probability = np.concatenate([negatives, negatives + 0.01])

    chosen = choose_threshold(np.arange(40) >= 20, probability, Rule("sensitivity", 0.95))

    assert chosen == pytest.approx(0.055)


@settings(max_examples=100)
@given(samples(), st.sampled_from([0.25, 0.5, 1, 3, 10]))
def test_no_threshold_costs_less(sample, miss_cost):
    truth, probability = sample
    tried = [0.0, *probability, np.nextafter(probability.max(), 2)]

    def cost(threshold):
        decided = probability >= threshold
        return np.sum(decided & (truth == 0)) + miss_cost * np.sum(~decided & (truth == 1))

    chosen = choose_threshold(truth, probability, Rule("costs", miss_cost=miss_cost))

    assert cost(chosen) == min(cost(threshold) for threshold in tried)


@settings(max_examples=25)
@given(samples())
def test_equal_costs_are_accuracy(sample):
    assert choose_threshold(*sample, "costs") == choose_threshold(*sample, "accuracy")


@pytest.mark.parametrize("rule", RULES)
def test_the_interval_holds_the_threshold_and_narrows_with_the_patients(rule):
    rng = np.random.default_rng(0)
    widths = []
    for patients in (40, 1_000):
        truth = np.arange(patients) % 2
        probability = 1 / (1 + np.exp(-rng.normal(2 * truth - 1)))
        names = [str(number) for number in range(patients)]

        low, high = threshold_interval(truth, probability, rule, names, seed=0)

        assert low < choose_threshold(truth, probability, rule) < high  # never its own end
        widths.append(high - low)
    assert widths[1] < widths[0] / 1.5


def test_an_interval_spans_the_gap_between_classes_that_do_not_overlap():
    """Every threshold between 0.3 and 0.7 decides all alike."""
    truth = np.repeat([0, 1], 40)
    probability = np.r_[np.linspace(0.1, 0.3, 40), np.linspace(0.7, 0.9, 40)]

    low, high = threshold_interval(
        truth, probability, "youden", [str(i) for i in range(80)], seed=0
    )

    assert low <= 0.3
    assert high >= 0.7


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_the_interval_holds_the_best_threshold_of_the_population(rule):
    """Scores N(1, 1) and N(-1, 1): 60 samples of 200; fewer than 53 hits have a chance of 1 %."""
    best = {"sensitivity": norm.ppf(0.05, loc=1), "specificity": norm.ppf(0.95, loc=-1)}
    rng, held = np.random.default_rng(5), 0
    for seed in range(60):
        truth = np.arange(200) % 2
        probability = 1 / (1 + np.exp(-rng.normal(2 * truth - 1)))
        names = [str(number) for number in range(200)]
        low, high = threshold_interval(truth, probability, rule, names, seed)
        held += low <= 1 / (1 + np.exp(-best.get(rule, 0.0))) <= high

    assert held >= 53


@pytest.mark.parametrize(
    ("rule", "high"), [("sensitivity", np.nextafter(1, 2)), ("specificity", 1)]
)
def test_scores_of_two_values_leave_no_threshold_between(rule, high):
    """The rate jumps over the target, so that no threshold has it: it lies where the jump is."""
    truth = np.repeat([0, 1], 50)

    found = threshold_interval(
        truth, truth.astype(float), Rule(rule, 0.9), [str(i) for i in range(100)], seed=0
    )

    assert found == (0, high)


def test_copies_of_a_patients_images_say_nothing_new():
    rng = np.random.default_rng(1)
    truth = np.arange(40) % 2
    probability = 1 / (1 + np.exp(-rng.normal(2 * truth - 1)))
    names = [str(number) for number in range(40)]

    once = threshold_interval(truth, probability, "accuracy", names, seed=0)
    copied = threshold_interval(
        np.tile(truth, 5), np.tile(probability, 5), "accuracy", names * 5, seed=0
    )

    assert copied == once


def test_a_single_patient_of_a_class_gives_no_interval():
    assert threshold_interval([0, 0, 1, 1], np.arange(4) / 4, "youden", list("abcc"), 0) is None


def test_the_rule_says_what_it_uses():
    assert Rule().as_dict() == {"rule": "youden"}
    assert Rule("sensitivity", 0.9).as_dict() == {"rule": "sensitivity", "target": 0.9}
    assert Rule("costs", miss_cost=5).as_dict() == {"rule": "costs", "miss_cost": 5}


def test_it_lies_midway_between_the_classes():
    assert choose_threshold([0, 0, 1, 1], [0.1, 0.25, 0.75, 0.9], "youden") == 0.5


def test_of_equally_good_thresholds_the_lowest_is_taken():
    # Between 0.2 and 0.4 one positive is gained, above 0.6 one negative: equal indices.
    assert choose_threshold([0, 1, 0, 1], [0.2, 0.4, 0.6, 0.8], "youden") == pytest.approx(0.3)


def test_neighbouring_floats_are_still_told_apart():
    low, high = 0.5, np.nextafter(0.5, 1)

    threshold = choose_threshold([0, 1], [low, high], "youden")

    assert low < threshold <= high


def test_accuracy_may_decide_that_nothing_is_positive():
    threshold = choose_threshold([0, 0, 0, 1], [1.0, 1.0, 0.5, 0.5], "accuracy")

    assert threshold > 1


def test_one_class_is_refused():
    with pytest.raises(DataError, match="0 positive and 2 negative"):
        choose_threshold([0, 0], [0.1, 0.2], "youden")


def test_an_unknown_rule_is_refused():
    with pytest.raises(RecipeError, match="'cost'"):
        choose_threshold([0, 1], [0.1, 0.2], "cost")
