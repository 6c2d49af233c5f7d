import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.layers.cut_mix import Cut, blend, draw
from dlmath.layers.mix_up import Mix, blend_weighted

seeds = st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))


def test_a_known_box_shows_the_partner_inside_and_mixes_labels_by_area():
    images = tf.constant(np.arange(2 * 4 * 5, dtype=np.uint8).reshape(2, 4, 5, 1))
    box = tf.constant([[1, 3, 0, 5], [0, 0, 2, 2]])  # two rows of four; nothing
    cut = Cut(Mix(tf.constant([0.5, 1.0]), tf.constant([1, 0])), box)

    found = blend(images, cut).numpy()
    labels, weights = blend_weighted(tf.eye(2), tf.constant([1.0, 3.0]), cut.mix)

    expected = images.numpy().copy()
    expected[0, 1:3] = images[1, 1:3]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)
    # The weight is 0.5 * 1 + 0.5 * 3 = 2, of which a quarter is the image's own.
    np.testing.assert_allclose(labels, [[0.25, 0.75], [0, 1]])
    np.testing.assert_allclose(weights, [2, 3])


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 9),
    alpha=st.floats(1e-3, 1e3),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    per=st.sampled_from(["example", "batch"]),
    seed=seeds,
)
def test_lam_is_the_share_of_pixels_that_an_image_keeps(n, alpha, size, per, seed):
    cut = draw(n, alpha, size, per=per, seed=seed)

    own = np.arange(n, dtype=np.float32)[:, np.newaxis, np.newaxis, np.newaxis]
    mixed = blend(tf.constant(np.broadcast_to(own, (n, *size, 1)).copy()), cut).numpy()
    assert sorted(cut.mix.partner.numpy()) == list(range(n))
    kept = np.array([(image == row).mean() for row, image in enumerate(mixed)])
    others = cut.mix.partner.numpy() != np.arange(n)
    np.testing.assert_allclose(cut.mix.lam.numpy()[others], kept[others], atol=1e-6)
    if per == "batch":
        assert len(np.unique(cut.box.numpy(), axis=0)) == 1


def test_the_area_before_the_edge_is_that_of_a_beta_distribution():
    """At alpha 1 the share 1 - l is uniform; boxes whose centre lies far inside keep it whole."""
    cut = draw(40_000, 1.0, (1_000, 1_000), seed=(1, 2))

    top, bottom, left, right = cut.box.numpy().T
    inside = (top > 0) & (left > 0) & (bottom < 1_000) & (right < 1_000)
    sides = (bottom - top)[inside]
    np.testing.assert_allclose(sides, (right - left)[inside], atol=1)
    # A box of side s is whole with probability (1 - s)^2, and s has the density 2 s.
    expected = (1 / 3 - 2 / 4 + 1 / 5) / (1 / 2 - 2 / 3 + 1 / 4)
    assert sides.mean() / 1_000 == pytest.approx(expected, abs=0.005)
    assert inside.mean() == pytest.approx(1 / 6, abs=0.01)


def test_alpha_of_nothing_cuts_nothing_and_the_seed_decides():
    images = tf.constant(np.random.default_rng(0).uniform(size=(5, 8, 8, 3)), tf.float32)
    nothing = draw(5, 0.0, (8, 8), seed=(1, 2))

    np.testing.assert_array_equal(blend(images, nothing), images)
    np.testing.assert_array_equal(nothing.mix.lam, 1)
    first, again, other = (draw(5, 1.0, (8, 8), seed=seed) for seed in ((1, 2), (1, 2), (1, 3)))
    np.testing.assert_array_equal(first.box, again.box)
    assert np.any(first.box != other.box)


def test_a_bad_alpha_is_refused():
    with pytest.raises(ValueError, match=r"`alpha`.*Received: alpha=-1"):
        draw(5, -1, (8, 8), seed=(1, 2))
