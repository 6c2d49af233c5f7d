from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.drift.discrepancy import compared, discrepancies
from dlmath.drift.pictures import PICTURES
from dlmath.drift.sketch import Sketch
from dlmath.inference.decision_rule import Abstention


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_means_of_numbers_say_what_the_images_themselves_say(gaussian_rule, draw_reference, seed):
    sketch = Sketch.of(gaussian_rule)
    a, b = draw_reference(seed, 40), draw_reference(seed + 1, 30, shift=0.3)
    rows = [one.rows(sketch) for one in (a, b)]

    found = discrepancies(sketch.layout, *(one.mean(axis=0, keepdims=True) for one in rows))

    first, second = (one.projected.clip(-5, 5) for one in (a, b))
    between = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
    assert found["means"] == pytest.approx(between)
    covariances = [np.cov(one, rowvar=False, bias=True) for one in (first, second)]
    assert found["spread"] == pytest.approx(np.linalg.norm(covariances[0] - covariances[1]))
    pictures = [one.pictures for one in (a, b)]
    covariance = sum(np.cov(one, rowvar=False, bias=True) for one in pictures) / 2
    covariance += np.eye(PICTURES) / 255**2
    apart = pictures[1].mean(axis=0) - pictures[0].mean(axis=0)
    mahalanobis = np.sqrt(apart @ np.linalg.inv(covariance) @ apart)
    assert found["pictures"] == pytest.approx(mahalanobis, rel=1e-6)
    out_of_distribution = [
        (one.ood_scores > gaussian_rule.abstention.ood_score).mean() for one in (a, b)
    ]
    assert found["unusual"] == pytest.approx(out_of_distribution[1] - out_of_distribution[0])


def test_scores_in_two_cells_apart_are_as_far_as_can_be(gaussian_rule):
    sketch = Sketch.of(gaussian_rule)
    scores = np.array([[0.999, 0.001], [0.001, 0.999]])
    rows = sketch.rows(np.zeros((2, 16)), scores, None, np.zeros((2, PICTURES)))

    assert discrepancies(sketch.layout, rows[:1], rows[1:])["scores"] == pytest.approx(1)
    assert discrepancies(sketch.layout, rows[:1], rows[:1])["scores"] == 0


def test_what_a_run_does_not_measure_is_not_compared(gaussian_rule):
    def names(**changes):
        rule = replace(gaussian_rule, **changes)
        return compared(rule, Sketch.of(rule).layout)

    assert names() == ("means", "spread", "scores", "unusual", "abstained", "pictures")
    assert names(ood_score=None) == ("scores", "abstained", "pictures")
    assert names(ood_score=None, abstention=Abstention()) == ("scores", "pictures")
    older = Sketch.of(replace(gaussian_rule, ood_score=None)).without_pictures
    assert compared(older.rule, older.layout) == ("scores", "abstained")
