"""The mean over seeds that the tables of results show."""

import numpy as np
import pytest

from benchmarks.studies.over_seeds import mean_over_seeds

TRUTH = [1] * 6 + [0] * 6
PATIENTS = [f"p{row // 2}" for row in range(12)]


def run(probability, decided, rows=slice(None)):
    columns = {
        "patient": PATIENTS, "truth": TRUTH, "probability": probability, "decided": decided
    }  # fmt: skip
    return {"predictions": {name: list(column[rows]) for name, column in columns.items()}}


PERFECT = run(np.linspace(0.9, 0.1, 12), TRUTH)
# One of six positives is missed and two of six negatives are called positive; ranks are as before.
WORSE = run(np.linspace(0.9, 0.1, 12), [1] * 5 + [0] + [1] * 2 + [0] * 4)


def test_it_is_the_mean_of_the_runs():
    found = mean_over_seeds([PERFECT, WORSE])

    assert found["accuracy"].value == pytest.approx((1 + 9 / 12) / 2)
    assert found["sensitivity"].value == pytest.approx((1 + 5 / 6) / 2)
    assert found["specificity"].value == pytest.approx((1 + 4 / 6) / 2)
    assert found["auc"].value == pytest.approx(1)


def test_a_patient_is_drawn_with_all_images_of_all_runs():
    alike = mean_over_seeds([WORSE] * 3)["accuracy"]
    once = mean_over_seeds([WORSE])["accuracy"]

    # The same run three times is no more evidence than once.
    assert (alike.low, alike.high) == pytest.approx((once.low, once.high))


def test_runs_may_list_their_images_in_another_order():
    turned = run(np.linspace(0.9, 0.1, 12), WORSE["predictions"]["decided"], slice(None, None, -1))

    assert mean_over_seeds([turned])["accuracy"].value == pytest.approx(9 / 12)
    both = mean_over_seeds([WORSE, turned])["accuracy"]
    once = mean_over_seeds([WORSE])["accuracy"]
    assert both.low == pytest.approx(once.low, abs=0.03)
