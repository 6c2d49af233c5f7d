import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import DataError
from dlmath.evaluation.patient_level import measure_patient_level

PATIENTS = ["b", "a", "b", "c"]
POSITIVE = np.array([False, False, True, False])
PROBABILITY = np.array([0.2, 0.4, 0.7, 0.9])


def test_a_patient_is_positive_if_any_image_is():
    found = measure_patient_level(POSITIVE, PROBABILITY, PATIENTS)

    assert found.patients == ("a", "b", "c")
    assert found.images.tolist() == [1, 2, 1]
    assert found.positive.tolist() == [False, True, False]


@pytest.mark.parametrize(("rule", "expected"), [("mean", 0.45), ("any", 0.7)])
def test_the_rule_joins_the_images_of_a_patient(rule, expected):
    found = measure_patient_level(POSITIVE, PROBABILITY, PATIENTS, rule)

    np.testing.assert_allclose(found.probability, [0.4, expected, 0.9])


images = st.lists(
    st.tuples(st.booleans(), st.floats(0, 1), st.sampled_from("abc")), min_size=1, max_size=20
)


@given(images, st.floats(0.01, 0.99))
def test_by_any_a_patient_is_decided_positive_if_an_image_is(rows, threshold):
    positive, probability, patients = (np.array(column) for column in zip(*rows, strict=True))

    found = measure_patient_level(positive, probability, patients, "any")

    for name, score, truth in zip(found.patients, found.probability, found.positive, strict=True):
        own = patients == name
        assert (score >= threshold) == (probability[own] >= threshold).any()
        assert truth == positive[own].any()


@given(images)
def test_with_one_image_each_patients_are_images(rows):
    positive, probability, _ = (np.array(column) for column in zip(*rows, strict=True))
    names = [f"{number:03}" for number in range(len(rows))]

    for rule in ("mean", "any"):
        found = measure_patient_level(positive, probability, names, rule)
        np.testing.assert_array_equal(found.positive, positive)
        np.testing.assert_array_equal(found.probability, probability)


def test_an_unknown_rule_is_refused():
    with pytest.raises(DataError, match="'median'"):
        measure_patient_level(POSITIVE, PROBABILITY, PATIENTS, "median")
