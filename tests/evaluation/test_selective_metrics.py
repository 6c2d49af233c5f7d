import numpy as np
import pytest

from dlmath.evaluation.selective_metrics import measure_selective
from dlmath.stats.proportions import share_of_images

RNG = np.random.default_rng(0)
CONFIDENCE = RNG.exponential(size=90)
WRONG = RNG.random(90) < 0.4 * np.exp(-CONFIDENCE)
CLUSTERS = np.arange(90) // 3
UNSURE = CONFIDENCE < 0.2
OUTSIDE = RNG.random(90) < 0.1


def metrics(**changes):
    given = {"abstains": UNSURE | OUTSIDE, "out_of_distribution": OUTSIDE, "seed": 0, **changes}
    return measure_selective(WRONG, CONFIDENCE, CLUSTERS, **given)


def test_coverage_and_risk_are_of_those_who_are_answered():
    found = metrics()

    answered = ~(UNSURE | OUTSIDE)
    assert found["coverage"]["value"] == pytest.approx(answered.mean())
    assert found["risk"]["value"] == pytest.approx(WRONG[answered].mean())
    assert found["unusual"]["value"] == pytest.approx(OUTSIDE.mean())
    expected = share_of_images(WRONG, answered, CLUSTERS)
    assert (found["risk"]["low"], found["risk"]["high"]) == expected[1:]
    for name in ("coverage", "risk", "unusual", "area"):
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]


def test_the_curve_rises_in_coverage_to_the_risk_of_all():
    curve = metrics()["curve"]

    coverages = [point["coverage"] for point in curve]
    assert coverages == sorted(set(coverages))
    assert curve[-1]["coverage"] == 1
    assert curve[-1]["risk"] == pytest.approx(WRONG.mean())
    assert all(point["low"] <= point["risk"] <= point["high"] for point in curve)
    assert np.all(np.abs(np.diff(coverages)) < 0.07)


def test_without_rules_there_is_the_curve_alone():
    found = metrics(abstains=None, out_of_distribution=None)

    assert found["coverage"] is found["risk"] is found["unusual"] is None
    assert found["area"] == metrics()["area"]


def test_nobody_answered_has_no_risk():
    found = metrics(abstains=np.ones(90, bool))

    assert found["coverage"]["value"] == 0
    assert found["coverage"]["high"] > 0
    assert found["risk"] is None


def test_one_image_is_enough():
    one = np.array([True])
    found = measure_selective(
        one, np.ones(1), np.zeros(1, int), abstains=~one, out_of_distribution=None, seed=0
    )

    assert found["area"]["value"] == found["risk"]["value"] == 1
    assert len(found["curve"]) == 1


def test_without_a_mistake_the_area_under_the_risk_is_not_certain():
    """30 patients and none wrong: a risk of 0.116 is not excluded (Clopper and Pearson)."""
    right = np.zeros(30, bool)

    found = measure_selective(
        right, np.linspace(0, 1, 30), np.arange(30), abstains=None, out_of_distribution=None, seed=0
    )

    assert (found["area"]["value"], found["area"]["low"]) == (0.0, 0.0)
    assert found["area"]["high"] == pytest.approx(1 - 0.025 ** (1 / 30), abs=1e-4)
