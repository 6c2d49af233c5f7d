"""The test keeps the rate of false alarms that it states, and sees what is there."""

import numpy as np
import pytest
from scipy.stats import binom

from dlmath.drift.samples import Sample
from dlmath.drift.sketch import Sketch
from dlmath.drift.two_sample import compare_samples

REPEATS = 60


@pytest.fixture(scope="module", params=[True, False], ids=["permutation", "samples"])
def fair(request, compare_drawn):
    """Comparisons of images that have not changed, with another reference each."""
    return [compare_drawn(seed, 100, known=request.param) for seed in range(REPEATS)]


def at_most(rate):
    """How many of the repeats may fall below a rate that is kept, in all but 1 of 1,000 cases."""
    return binom.ppf(0.999, REPEATS, rate)


@pytest.mark.slow
def test_p_values_of_what_has_not_changed_are_uniform(fair):
    p_values = np.array([[one.p for one in found.differences] for found in fair])

    for rate in (0.05, 0.25, 0.5):
        assert np.all((p_values <= rate).sum(axis=0) <= at_most(rate))
    continuous = p_values[:, :3]  # shares tie with their permutations, which makes p larger
    assert np.all(continuous.mean(axis=0) < 0.5 + 3.3 / np.sqrt(12 * REPEATS))


@pytest.mark.slow
def test_the_whole_test_keeps_its_rate(fair):
    for rate in (0.05, 0.1):
        alarms = sum(min(one.adjusted for one in found.differences) <= rate for found in fair)
        assert alarms <= at_most(rate)
        by_prevalence = sum(found.prevalence.p <= rate for found in fair)
        assert by_prevalence <= at_most(rate)


@pytest.mark.slow
def test_intervals_hold_what_has_not_changed(fair):
    for name in ("unusual", "abstained"):
        found = [next(one for one in each.differences if one.name == name) for each in fair]
        outside = sum(not one.low <= 0 <= one.high for one in found)
        assert outside <= binom.ppf(0.999, REPEATS, 0.1)  # of 95 %: the bootstrap's are short


@pytest.mark.parametrize("known", [True, False])
def test_a_shift_of_the_features_is_seen(compare_drawn, known):
    found = compare_drawn(1, 100, known=known, draws=999, shift=0.5)

    assert found.drifted
    assert not found.explained_by_prevalence
    (means,) = (one for one in found.differences if one.name == "means")
    assert means.adjusted <= 0.01
    assert means.statistic > means.fair
    # Half of a standard deviation in each of 16 directions.
    assert means.value == pytest.approx(0.5 * np.sqrt(16), rel=0.3)
    assert (means.low is not None) == known
    if known:
        assert means.low < means.value < means.high


def test_a_change_of_prevalence_is_told_from_one_of_the_images(compare_drawn):
    found = compare_drawn(2, 200, draws=999, ill=0.95)

    assert found.drifted
    assert found.explained_by_prevalence
    assert found.prevalence.low <= 0.95 <= found.prevalence.high
    assert found.prevalence.reference == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("known", [True, False])
def test_a_change_of_the_pictures_that_the_model_overlooks_is_seen(compare_drawn, known):
    found = compare_drawn(5, 60, known=known, draws=999, contrast=0.9)

    assert found.drifted
    assert found.only_in_pictures
    assert not found.explained_by_prevalence
    apart = {one.name: one.difference for one in found.pictures}
    assert apart["mean"] > 0.2  # the darkest level of those that are drawn
    assert apart["blue"] < -0.2  # and the lightest


@pytest.mark.slow
def test_images_of_one_patient_do_not_count_as_many(compare_drawn):
    """Four patients with 25 images each differ from the rest, as any four patients do."""
    alarms = sum(compare_drawn(seed, 100, per_patient=25).drifted for seed in range(8))

    assert alarms == 0


def test_a_small_rate_can_still_be_reached(gaussian_rule, draw_reference):
    sketch = Sketch.of(gaussian_rule)
    new = draw_reference(1, 60, shift=2)
    sample = Sample.of(new.rows(sketch), new.patients)

    found = compare_samples(draw_reference(2, 80), sketch, sample, patients_known=True, alpha=0.001)

    assert found.drifted


def test_the_verdict_depends_on_the_seed_alone(compare_drawn):
    assert compare_drawn(3, 50) == compare_drawn(3, 50)


def test_the_json_document_holds_every_figure(compare_drawn):
    found = compare_drawn(4, 50)

    names = ["means", "spread", "scores", "unusual", "abstained", "pictures"]
    assert [one.as_json()["name"] for one in found.differences] == names
    assert set(found.differences[0].as_json()) == {
        "name", "title", "statistic", "fair", "difference", "p", "p_adjusted",
    }  # fmt: skip
    assert set(found.prevalence.as_json()) == {"reference", "new", "p_prevalence_alone"}
