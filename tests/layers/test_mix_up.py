import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.layers.mix_up import Mix, MixUp, blend, blend_weighted, draw

BAD_ALPHAS = [-3, -1e-9, float("nan"), float("inf"), "0.2", True, None]
seeds = st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))


def batch(n=6, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.uniform(0, 255, (n, 4, 5, 3)).astype("float32")
    return images, np.eye(classes, dtype="float32")[rng.integers(0, classes, n)]


# --- draw


@settings(max_examples=25)
@given(n=st.integers(1, 9), alpha=st.floats(1e-3, 1e3), seed=seeds)
def test_a_draw_is_a_permutation_and_fractions(n, alpha, seed):
    mix = draw(n, alpha, seed=seed)

    assert sorted(mix.partner.numpy()) == list(range(n))
    assert mix.lam.shape == (n,)
    assert np.all((mix.lam >= 0) & (mix.lam <= 1))


def test_a_draw_depends_on_its_arguments_alone():
    first, other_seed = draw(8, 0.2, seed=(1, 2)), draw(8, 0.2, seed=(1, 3))
    tf.random.set_seed(99)

    np.testing.assert_array_equal(first.lam, draw(8, 0.2, seed=(1, 2)).lam)
    np.testing.assert_array_equal(first.partner, draw(8, 0.2, seed=(1, 2)).partner)
    assert not np.array_equal(first.lam, other_seed.lam)


def test_draws_stay_what_they_were():
    # A run is resumed and repeated by its seed: another stream would be another result.
    mix = draw(4, 0.2, seed=(1, 2))

    np.testing.assert_allclose(mix.lam, [0.71514946, 0.00921294, 0.03325363, 0.16035435], rtol=1e-5)
    np.testing.assert_array_equal(mix.partner, [1, 0, 3, 2])


@pytest.mark.parametrize("alpha", [1e-6, 0.01, 0.2, 1.0, 5.0, 1e4])
def test_lam_has_the_moments_of_a_beta_distribution(alpha):
    n = 100_000
    lam = draw(n, alpha, seed=(3, 4)).lam.numpy().astype("float64")

    variance = 1 / (4 * (2 * alpha + 1))
    assert lam.mean() == pytest.approx(0.5, abs=5 * np.sqrt(variance / n))
    # The relative standard error of a sample variance is at most sqrt(2 / n) here, as the
    # kurtosis of a symmetric Beta is below a normal distribution's.
    assert lam.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / n))


def test_lam_of_alpha_one_is_uniform():
    lam = np.sort(draw(10_000, 1.0, seed=(5, 6)).lam.numpy())

    distance = np.abs(lam - (np.arange(10_000) + 0.5) / 10_000).max()
    assert distance < 1.95 / np.sqrt(10_000)  # Kolmogorov and Smirnov, at a level of 0.001


@pytest.mark.parametrize("alpha", [5e-324, 1e-38, 1e-30, 1e30, 1e300])
def test_lam_is_a_number_for_extreme_alphas(alpha):
    lam = draw(1_000, alpha, seed=(7, 8)).lam.numpy()

    assert np.all(np.isfinite(lam))
    assert lam.mean() == pytest.approx(0.5, abs=0.1)


def test_one_lam_for_the_batch():
    lam = draw(8, 0.2, per="batch", seed=(1, 2)).lam.numpy()

    assert lam.shape == (8,)
    assert len(set(lam)) == 1
    assert 0 < lam[0] < 1


@pytest.mark.parametrize("per", ["example", "batch"])
def test_alpha_zero_draws_the_identity(per):
    images, _ = batch()
    mix = draw(6, 0.0, per=per, seed=(1, 2))

    np.testing.assert_array_equal(blend(images, mix), images)


@pytest.mark.parametrize("alpha", BAD_ALPHAS)
def test_draw_refuses_a_bad_alpha(alpha):
    with pytest.raises(ValueError, match=r"`alpha` must be .*Received: alpha="):
        draw(4, alpha, seed=(1, 2))


def test_draw_refuses_an_unknown_per():
    with pytest.raises(ValueError, match=r"'example' or 'batch'.*Received: per='pixel'"):
        draw(4, 0.2, per="pixel", seed=(1, 2))


# --- blend


def test_blend_of_known_numbers():
    mix = Mix(lam=tf.constant([0.25, 1.0]), partner=tf.constant([1, 0]))

    np.testing.assert_array_equal(
        blend(tf.constant([[8.0, 0.0], [0.0, 4.0]]), mix), [[2, 3], [0, 4]]
    )
    np.testing.assert_array_equal(blend(tf.constant([8, 0], tf.uint8), mix), [2.0, 0.0])


@settings(max_examples=25)
@given(n=st.integers(1, 9), alpha=st.floats(0, 8), seed=seeds)
def test_blend_stays_inside_the_batch(n, alpha, seed):
    images, labels = batch(n)
    mix = draw(n, alpha, seed=seed)
    mixed, soft = blend(images, mix).numpy(), blend(labels, mix).numpy()

    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-6)  # still a distribution
    slack = 1e-3  # one float32 rounding step at 255 is 1.5e-5
    assert np.all(mixed >= images.min(axis=0) - slack)
    assert np.all(mixed <= images.max(axis=0) + slack)


@pytest.mark.parametrize(
    ("given_dtype", "expected"),
    [
        ("uint8", "float32"),
        ("int32", "float32"),
        ("float16", "float16"),
        ("bfloat16", "bfloat16"),
        ("float64", "float64"),
    ],
)
def test_blend_keeps_floating_dtypes(given_dtype, expected):
    x = tf.cast([[200.0], [100.0]], given_dtype)
    mixed = blend(x, Mix(tf.constant([0.5, 0.5]), tf.constant([1, 0])))

    assert mixed.dtype == expected
    np.testing.assert_array_equal(tf.cast(mixed, tf.float32), [[150], [150]])


@settings(max_examples=25)
@given(seed=seeds, weights=st.lists(st.floats(0.01, 100), min_size=5, max_size=5))
def test_weighted_mixing_is_the_weighted_sum_of_the_two_losses(seed, weights):
    _, labels = batch(n=5)
    w = tf.constant(weights, tf.float32)
    log_p = tf.math.log(tf.random.stateless_uniform((5, 3), seed, minval=0.1))
    mix = draw(5, 0.7, seed=seed)

    soft, weight = blend_weighted(tf.constant(labels), w, mix)

    loss = -tf.reduce_sum(labels * log_p, axis=1)  # of each prediction against its own label
    partner_loss = -tf.reduce_sum(tf.gather(labels, mix.partner) * log_p, axis=1)
    expected = mix.lam * w * loss + (1 - mix.lam) * tf.gather(w, mix.partner) * partner_loss
    np.testing.assert_allclose(-weight * tf.reduce_sum(soft * log_p, axis=1), expected, rtol=1e-4)
    np.testing.assert_allclose(tf.reduce_sum(soft, axis=1), 1, rtol=1e-5)


def test_two_examples_of_no_weight_mix_to_none():
    mix = Mix(tf.constant([0.5, 0.5]), tf.constant([1, 0]))
    soft, weight = blend_weighted(tf.constant([1.0, 0.0]), tf.zeros(2), mix)

    np.testing.assert_array_equal(weight, [0, 0])
    np.testing.assert_array_equal(soft, [0, 0])


# --- the layer


def test_images_and_labels_mix_alike():
    _, labels = batch()
    images = np.tile(labels[:, None, None, :], (1, 4, 5, 1))  # every pixel is the label
    mixed, soft = MixUp(1.0, seed=0)(images, labels, training=True)

    assert np.any((soft > 0.01) & (soft < 0.99))
    np.testing.assert_allclose(mixed, np.tile(soft.numpy()[:, None, None, :], (1, 4, 5, 1)))


@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 3)])
def test_labels_keep_their_shape(shape):
    # keras.layers.MixUp 3.15.1 turns labels (B,) into (B, B), and training goes on.
    images, _ = batch()
    labels = np.random.default_rng(0).integers(0, 2, shape).astype("float32")
    _, soft = MixUp(1.0, seed=0)(images, labels, training=True)

    assert soft.shape == shape


def test_sample_weights_mix_too():
    images, labels = batch()
    weights = np.arange(1, 7, dtype="float32")
    layer = MixUp(1.0, seed=0)
    mixed, soft, mixed_weights = layer(images, labels, sample_weight=weights, training=True)
    plain, _ = MixUp(1.0, seed=0)(images, labels, training=True)

    np.testing.assert_array_equal(mixed, plain)  # the weights do not change the images
    assert mixed_weights.shape == (6,)
    # Each class keeps its share of the weights only on average; their total over labels and
    # classes is that of the mixed weights.
    np.testing.assert_allclose(
        np.sum(soft * mixed_weights[:, None]), np.sum(mixed_weights), rtol=1e-5
    )


@pytest.mark.parametrize("options", [{"training": False}, {}, {"training": True, "alpha": 0}])
def test_values_pass_through_unchanged(options):
    images, labels = batch()
    layer = MixUp(options.pop("alpha", 0.2), seed=0)
    same_images, same_labels = layer(images, labels, **options)

    np.testing.assert_array_equal(same_images, images)
    np.testing.assert_array_equal(same_labels, labels)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "bool"])
@pytest.mark.parametrize("training", [True, False])
def test_class_numbers_are_refused(dtype, training):
    images, labels = batch()
    with pytest.raises(ValueError, match=rf"one_hot.*Received: {dtype} labels"):
        MixUp()(images, labels.astype(dtype), training=training)


def test_masks_are_refused():
    images, _ = batch()
    with pytest.raises(ValueError, match=r"\(N, K\).*Received: labels of shape \(6, 4, 5\)"):
        MixUp()(images, images[..., 0], training=True)


@pytest.mark.parametrize("alpha", BAD_ALPHAS)
def test_the_layer_refuses_a_bad_alpha(alpha):
    with pytest.raises(ValueError, match=r"`alpha` must be .*Received: alpha="):
        MixUp(alpha)


def test_the_same_in_eager_mode_in_a_graph_and_in_a_dataset():
    images, labels = batch()

    def three_calls(mix_up):
        return [mix_up(images, labels) for _ in range(3)]

    eager_layer, graph_layer = MixUp(seed=1), MixUp(seed=1)
    eager = three_calls(lambda x, y: eager_layer(x, y, training=True))
    step = tf.function(lambda x, y: graph_layer(x, y, training=True))
    graph = three_calls(step)
    map_layer = MixUp(seed=1)
    dataset = tf.data.Dataset.from_tensors((images, labels)).repeat(3)
    mapped = list(dataset.map(lambda x, y: map_layer(x, y, training=True)))

    for one, two, three in zip(eager, graph, mapped, strict=True):
        for a, b, c in zip(one, two, three, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
            np.testing.assert_allclose(a, c, rtol=1e-6)
    assert not np.array_equal(eager[0][0], eager[1][0])  # each call draws again
    assert step.experimental_get_tracing_count() == 1


def two_input_model(seed=1):
    inputs = keras.Input((4, 5, 3)), keras.Input((3,))
    return keras.Model(inputs, MixUp(0.5, per="batch", seed=seed, name="mix_up")(*inputs))


def test_in_a_model_before_and_after_saving(tmp_path):
    images, labels = batch()
    model = two_input_model()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)

    layer = loaded.get_layer("mix_up")
    assert (layer.alpha, layer.per, layer.seed) == (0.5, "batch", 1)
    before, after = (m((images, labels), training=True) for m in (model, loaded))
    assert not np.array_equal(before[0], images)
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(loaded((images, labels))[0], images)


def test_its_config_makes_the_same_layer():
    layer = MixUp(0.3, per="batch", seed=5, name="mix")
    config = json.loads(json.dumps(layer.get_config()))

    assert MixUp.from_config(config).get_config() == layer.get_config()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_rounds_neither_labels_nor_images(policy):
    images, labels = batch()
    half, full = MixUp(seed=1, dtype=policy), MixUp(seed=1)
    for rounded, exact in zip(
        half(images, labels, training=True), full(images, labels, training=True), strict=True
    ):
        assert rounded.dtype == "float32"
        np.testing.assert_array_equal(rounded, exact)
