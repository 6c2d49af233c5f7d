import numpy as np
import pytest

from dlmath.inference.ood_score import OodScore

PLAIN = OodScore(
    means=np.array([[0.0, 0, 0], [10, 0, 0]]),
    directions=np.array([[1.0], [0], [0]]),
    variances=np.array([4.0]),
    rest=np.array(1.0),
)


@pytest.mark.parametrize(
    ("feature", "expected"),
    [([2.0, 0, 0], 1), ([0, 3, 4], 25), ([8, 0, 0], 1), ([10, 0, 2], 4), ([np.nan, 0, 0], np.nan)],
)
def test_it_is_counted_in_variances_from_the_nearest_mean(feature, expected):
    np.testing.assert_allclose(PLAIN(np.array([feature])), [expected])


def test_infinite_features_have_no_distance():
    assert np.isnan(PLAIN(np.array([[np.inf, 0, 0], [-np.inf, np.inf, 0]]))).all()


def test_no_image_has_no_distance():
    assert PLAIN(np.empty((0, 3))).shape == (0,)


def test_it_is_read_back_as_it_is_rounded():
    rng = np.random.default_rng(0)
    drawn = OodScore(
        rng.normal(size=(2, 5)), np.linalg.qr(rng.normal(size=(5, 2)))[0], np.ones(2), np.array(0.3)
    )

    read = OodScore.from_bytes(drawn.to_bytes())

    features = rng.normal(size=(9, 5))
    np.testing.assert_allclose(read(features), drawn(features), rtol=1e-5)
    np.testing.assert_array_equal(read(features), drawn.rounded()(features))
