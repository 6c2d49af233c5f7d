import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import DataError, RecipeError
from dlmath.evaluation.threshold import choose_threshold


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
@given(samples(), st.randoms(use_true_random=False), st.sampled_from(["youden", "accuracy"]))
def test_the_order_of_the_images_does_not_matter(sample, random, rule):
    truth, probability = sample
    order = list(range(len(truth)))
    random.shuffle(order)

    shuffled = choose_threshold(truth[order], probability[order], rule)

    assert shuffled == choose_threshold(truth, probability, rule)


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
