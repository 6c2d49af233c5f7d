"""Draws deal out patients, and never the images of one patient to both sides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.drift.samples import Sample, permuted, redrawn, redrawn_apart

counts = st.lists(st.integers(1, 4), min_size=2, max_size=8)


def sample(images, first=0):
    """Return a sample whose numbers tell, by image, which patient it is of."""
    patients = np.repeat(np.arange(len(images)), images)
    return Sample.of(np.eye(20)[first + patients], patients)


@settings(max_examples=25)
@given(counts, counts)
def test_a_patient_is_permuted_as_a_whole(of_reference, of_new):
    a, b = sample(of_reference), sample(of_new, first=len(of_reference))

    left, right = permuted(a, b, 50, np.random.default_rng(0))

    assert not np.any((left > 0) & (right > 0))
    np.testing.assert_allclose(left.sum(axis=1), 1)
    assert np.all((right > 0).sum(axis=1) == len(of_new))


def test_every_patient_comes_to_either_side_alike():
    a, b = sample([1] * 6), sample([1] * 4, first=6)

    _, right = permuted(a, b, 4000, np.random.default_rng(1))

    np.testing.assert_allclose((right > 0).mean(axis=0)[:10], 0.4, atol=4 * np.sqrt(0.24 / 4000))


def test_means_are_over_images_and_not_over_patients():
    found = sample([3, 1])

    assert (found.total, found.patients_for(8)) == (4, 4)
    np.testing.assert_allclose(found.mean[0, :2], [0.75, 0.25])
    np.testing.assert_allclose(found.weighted(np.array([[1.0, 3.0]]))[0, :2], [0.5, 0.5])


@pytest.mark.parametrize("draw", ["redrawn", "redrawn_apart"])
def test_samples_vary_as_means_of_so_many_patients_do(draw):
    rng = np.random.default_rng(2)
    values = rng.normal(size=(200, 1))
    own = Sample.of(np.repeat(values, 2, axis=0), np.arange(400) // 2)
    new = Sample.of(np.repeat(values[:50], 2, axis=0), np.arange(100) // 2)

    if draw == "redrawn":
        first, second = redrawn(own, 100, 4000, rng)
        spread = values.std()
    else:
        first, second = redrawn_apart(own, new, 4000, rng)
        spread = values[:50].std()

    np.testing.assert_allclose(first.std(), values.std() / np.sqrt(200), rtol=0.05)
    np.testing.assert_allclose(second.std(), spread / np.sqrt(50), rtol=0.05)
