"""What every runtime shares: batches, distances, and the refusal of NaN. No library runs here."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import RunError
from dlmath.inference.classifier import Classifier, Outputs, batches
from dlmath.inference.decision_rule import Threshold
from dlmath.inference.ood_score import OodScore

DISTANCE = OodScore(
    means=np.array([[0.0, 0.0], [100.0, 0.0]]),
    directions=np.array([[1.0], [0.0]]),
    variances=np.array([4.0]),
    rest=np.array(1.0),
)


@dataclass(frozen=True, eq=False)
class Grey(Classifier):
    """Says how light images are; remembers how many it was asked about at once."""

    batch_size = 3
    asked: list

    def compute(self, batch):
        self.asked.append(len(batch))
        grey = batch.mean(axis=(1, 2, 3)).astype(np.float32)  # (n,)
        light = grey / 255
        found = {"probabilities": np.stack([1 - light, light], axis=1)}
        if self.ood_score is not None:
            found["features"] = np.stack([grey, grey * 0], axis=1)
        return found


class Measuring(OodScore):
    """Remembers how many rows it was asked about at once, and of which type."""

    asked: ClassVar[list] = []

    def __call__(self, features):
        self.asked.append((len(features), features.dtype))
        return super().__call__(features)


def grey(ood_score=None):
    rule = ("dark", "light"), 2, "light", Threshold(0.5, "validation")
    return Grey(*rule, ood_score=ood_score, asked=[])


def pixels(n):
    return np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((2, 2, 3), np.uint8)


@given(st.integers(0, 20), st.integers(1, 7))
def test_batches_are_the_rows_in_order_and_progress_counts_them(n, size):
    heard = []

    found = list(batches(np.arange(n), size, lambda *counts: heard.append(counts)))

    assert [len(one) for one in found] == [size] * (n // size) + [n % size] * (n % size > 0)
    assert [row for one in found for row in one] == list(range(n))
    assert heard == [(min(first + size, n), n) for first in range(0, n, size)]


def test_a_batch_counts_as_done_when_it_is_computed():
    heard = []

    for batch in batches(np.arange(4), 2, lambda done, _: heard.append(done)):
        assert heard == ([] if batch[0] == 0 else [2])


@pytest.mark.parametrize("n", [1, 3, 7])
def test_outputs_are_those_of_all_images_in_double_precision(n):
    classifier = grey(DISTANCE)

    outputs = classifier.predict(pixels(n))

    levels = np.arange(n)
    np.testing.assert_array_equal(
        outputs.probabilities[:, 1], (levels.astype(np.float32) / 255).astype(np.float64)
    )
    # One direction of variance 4; the nearest mean is the one at 0.
    np.testing.assert_allclose(outputs.ood_scores, levels**2 / 4)
    np.testing.assert_array_equal(outputs.features, np.stack([levels, levels * 0], axis=1))
    assert [array.dtype for array in outputs] == [np.float64, np.float64, np.float32]
    assert classifier.asked == [3] * (n // 3) + [n % 3] * (n % 3 > 0)


def test_without_a_distance_there_is_none():
    outputs = grey().predict(pixels(4))

    assert outputs.ood_scores is outputs.features is None


def test_of_no_image_nothing_is_computed():
    classifier = grey(DISTANCE)

    outputs = classifier.predict(pixels(0))

    assert outputs.probabilities.shape == (0, 2)
    assert outputs.ood_scores.shape == (0,)
    assert classifier.asked == []


@pytest.mark.parametrize(("at_once", "rows"), [(None, [3, 3, 1]), (5, [5, 2])])
def test_distances_are_measured_in_batches_of_their_own_size(at_once, rows, monkeypatch):
    monkeypatch.setattr(Grey, "ood_batch_size", at_once)
    monkeypatch.setattr(Measuring, "asked", [])

    grey(Measuring(**vars(DISTANCE))).predict(pixels(7))

    assert Measuring.asked == [(n, np.float64) for n in rows]


def test_outputs_of_one_image_and_of_several_groups():
    outputs = grey(DISTANCE).predict(pixels(5))
    rows = [outputs.row(index) for index in range(5)]

    assert [array.shape for array in rows[4]] == [(1, 2), (1,), (1, 2)]
    for ours, theirs in zip(Outputs.joined(rows), outputs, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert Outputs.joined([outputs, grey().predict(pixels(2))]).ood_scores is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_is_refused_in_one_message(bad):
    good = np.full((4, 2), 0.5)
    Outputs(good, None).check_finite(lambda rows: pytest.fail(f"{rows} are numbers"))
    good[[1, 3], 0] = bad

    with pytest.raises(RunError) as refused:
        Outputs(good, None).check_finite(lambda rows: f"The model gives NaN for {rows.tolist()}")
    assert str(refused.value) == (
        "The model gives NaN for [1, 3]. Its weights are damaged or its training diverged. "
        "Train again."
    )
    with pytest.raises(RunError, match=r"diverged: nothing to do\. Train again\.$"):
        Outputs(good, None).check_finite(lambda _: "It gives NaN", ": nothing to do")
