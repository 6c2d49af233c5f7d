import keras
import numpy as np
import pytest

from dlmath.layers import regularizers


@pytest.mark.parametrize("kind", ["L1", "L2"])
def test_penalty_is_that_of_keras_and_its_config_goes_there_and_back(kind):
    x = np.array([[1.0, -2.0], [0.0, 3.0]], "float32")
    ours = getattr(regularizers, kind)(0.5)
    np.testing.assert_allclose(ours(x), getattr(keras.regularizers, kind)(0.5)(x))
    again = keras.regularizers.deserialize(keras.regularizers.serialize(ours))
    assert type(again) is type(ours)
    assert again.get_config() == ours.get_config()


def test_names_mean_ours_and_others_are_left_to_keras():
    assert isinstance(regularizers.get("l1"), regularizers.L1)
    assert isinstance(regularizers.get("L1L2"), keras.regularizers.L1L2)
    assert regularizers.get(None) is None


@pytest.mark.parametrize("factor", [-1, float("nan"), float("inf")])
def test_a_bad_factor_is_refused(factor):
    with pytest.raises(ValueError, match=r"`l2` must be finite and at least 0"):
        regularizers.L2(factor)
