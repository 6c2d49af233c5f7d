import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.data import pipeline
from dlmath.data.pipeline import (
    batch_rows,
    evaluation_batches,
    steps_per_epoch,
    training_batches,
)
from dlmath.errors import DataError
from dlmath.recipe import Recipe

PLAIN = Recipe(name="test", batch_size=4)
FULL = PLAIN.replace(
    mixup=0.4,
    flip_horizontal=True,
    rotation=10.0,
    zoom=0.1,
    shift=0.1,
    brightness=0.2,
    label_smoothing=0.1,
    class_weights="balanced",
)
COUNT = 18
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 6, 6, 3), dtype=np.uint8)
LABELS = np.eye(2)[[0] * 5 + [1] * 13]


def batches(recipe=FULL, images=IMAGES, labels=LABELS, **options):
    return list(training_batches(images, labels, recipe, **options).as_numpy_iterator())


def assert_equal_bitwise(some, others):
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        for part, other_part in zip(one, other, strict=True):
            assert part.tobytes() == other_part.tobytes()


def rows_of(images):
    """Which of IMAGES each image is."""
    index = {image.tobytes(): row for row, image in enumerate(IMAGES.astype(np.float32))}
    return [index[image.tobytes()] for image in images]


@pytest.mark.parametrize(
    ("count", "batch_size", "steps"), [(8, 4, 2), (11, 4, 2), (4, 4, 1), (3, 4, 1), (1, 64, 1)]
)
def test_the_remainder_is_dropped_but_never_all(count, batch_size, steps):
    assert steps_per_epoch(count, batch_size) == steps


def test_no_examples_are_refused():
    with pytest.raises(DataError, match="at least one"):
        steps_per_epoch(0, 4)


def test_shapes_types_and_ranges():
    for images, labels, weights in batches(epoch=0):
        assert images.shape == (4, 6, 6, 3)
        assert (images.dtype, labels.dtype, weights.dtype) == (np.float32,) * 3
        assert images.min() >= 0
        assert images.max() <= 255
        assert labels.shape == (4, 2)
        np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
        assert weights.shape == (4,)


def test_plain_batches_are_a_permutation_with_matching_labels():
    epoch = batches(PLAIN, epoch=0)

    rows = [row for images, _, _ in epoch for row in rows_of(images)]
    assert len(rows) == len(set(rows)) == 16  # 18 less the remainder
    np.testing.assert_array_equal(np.concatenate([labels for _, labels, _ in epoch]), LABELS[rows])
    np.testing.assert_array_equal(np.concatenate([weights for *_, weights in epoch]), 1)


@pytest.mark.parametrize("count", [3, COUNT])
def test_the_rows_of_a_batch_can_be_told_afterwards(count):
    for epoch in range(2):
        made = batches(PLAIN, IMAGES[:count], LABELS[:count], epoch=epoch)
        for step, (images, *_) in enumerate(made):
            rows = batch_rows(count, PLAIN, epoch, step)
            np.testing.assert_array_equal(images, IMAGES[rows])


def test_the_dropped_examples_change_with_the_epoch():
    dropped = []
    for epoch in range(4):
        seen = {row for images, *_ in batches(PLAIN, epoch=epoch) for row in rows_of(images)}
        dropped.append(frozenset(range(COUNT)) - seen)

    assert len(set(dropped)) > 1


def test_fewer_examples_than_a_batch_make_one_smaller_batch():
    (batch,) = batches(FULL, IMAGES[4:7], LABELS[4:7], epoch=0)

    assert batch[0].shape == (3, 6, 6, 3)


@pytest.mark.parametrize("recipe", [PLAIN, FULL, FULL.replace(mixup_per="batch")])
def test_the_key_decides_every_bit(recipe):
    first = batches(recipe, epoch=3)

    assert_equal_bitwise(first, batches(recipe, epoch=3))
    for other in (batches(recipe, epoch=4), batches(recipe.replace(seed=1), epoch=3)):
        assert first[0][0].tobytes() != other[0][0].tobytes()


@pytest.mark.parametrize("first_step", range(5))
def test_starting_at_a_step_gives_the_tail_of_the_epoch(first_step):
    assert_equal_bitwise(batches(epoch=1, first_step=first_step), batches(epoch=1)[first_step:])


def test_each_step_draws_its_own_numbers():
    """Equal images through the augmentation: only the draws can tell the batches apart."""
    same = np.broadcast_to(IMAGES[:1], IMAGES.shape)

    seen = {image.tobytes() for images, *_ in batches(FULL, same, epoch=0) for image in images}

    assert len(seen) == 16


def test_a_mapped_file_gives_the_same_batches(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")

    assert_equal_bitwise(batches(images=mapped, epoch=0), batches(epoch=0))


def test_every_epoch_has_one_static_signature_so_that_a_step_is_traced_once():
    step = tf.function(lambda images, labels, weights: tf.reduce_sum(images))

    for epoch in range(3):
        for batch in training_batches(IMAGES, LABELS, FULL, epoch=epoch):
            step(*batch)

    assert step.experimental_get_tracing_count() == 1


def test_class_weights_make_all_classes_weigh_the_same():
    _, weights = pipeline.weighted_labels(LABELS, PLAIN.replace(class_weights="balanced"))

    np.testing.assert_allclose(LABELS.T @ weights, [COUNT / 2, COUNT / 2], rtol=1e-6)


def test_balanced_weights_need_every_class():
    with pytest.raises(DataError, match="class number 2"):
        pipeline.balanced_class_weights(np.eye(3)[[0, 1, 1]])


def test_sample_weights_come_out_and_a_weight_of_zero_keeps_an_example_out():
    sample_weights = np.zeros(COUNT)
    sample_weights[:6] = np.arange(1, 7)

    for images, _, weights in batches(PLAIN, epoch=0, sample_weights=sample_weights):
        np.testing.assert_array_equal(weights, sample_weights[rows_of(images)])
    for images, labels, weights in batches(FULL, epoch=0, sample_weights=0 * sample_weights):
        assert np.isfinite(images).all()
        assert np.isfinite(labels).all()
        np.testing.assert_array_equal(weights, 0)


@settings(max_examples=40)
@given(
    classes=st.integers(2, 5),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
    mixup=st.sampled_from([0.0, 0.2, 2.0]),
    per=st.sampled_from(["example", "batch"]),
    seed=st.integers(0, 2**31 - 1),
)
def test_loss_and_gradient_are_those_of_the_weighted_mixed_label(
    classes, smoothing, mixup, per, seed
):
    """The mixture is taken here from scratch, in float64, of labels with weighted components."""
    rng = np.random.default_rng(seed)
    one_hot = np.eye(classes)[np.concatenate([np.arange(classes), rng.integers(0, classes, 8)])]
    sample_weights = rng.uniform(0.1, 3, len(one_hot))
    recipe = PLAIN.replace(
        class_weights="balanced", label_smoothing=smoothing, mixup=mixup, mixup_per=per
    )
    labels, weights = pipeline.weighted_labels(one_hot, recipe, sample_weights)
    mix_up_seed = rng.integers(0, 2**31, 2).astype(np.int32)
    pixels = tf.zeros((len(one_hot), 2, 2, 3), tf.uint8)
    _, labels, weights = pipeline.make_batch(
        pixels, tf.constant(labels), tf.constant(weights), recipe, (0, 0), mix_up_seed
    )

    smoothed = (1 - smoothing) * one_hot + smoothing / classes
    class_weights = len(one_hot) / (classes * one_hot.sum(axis=0))
    components = sample_weights[:, np.newaxis] * class_weights * smoothed
    mix = pipeline.mix_up.draw(len(one_hot), mixup, per=per, seed=mix_up_seed)
    lam = mix.lam.numpy().astype(np.float64)[:, np.newaxis]
    mixed = lam * components + (1 - lam) * components[mix.partner.numpy()]
    logits = tf.constant(rng.normal(size=mixed.shape), tf.float32)
    log_p = tf.nn.log_softmax(tf.cast(logits, tf.float64)).numpy()
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = weights * tf.nn.softmax_cross_entropy_with_logits(labels, logits)

    np.testing.assert_allclose(losses, -(mixed * log_p).sum(axis=1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        tape.gradient(losses, logits),
        mixed.sum(axis=1, keepdims=True) * np.exp(log_p) - mixed,
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("per", ["example", "batch"])
def test_cutmix_mixes_labels_by_the_area_that_is_seen(per):
    """One class is black, the other white: the share of white is that in the label."""
    recipe = PLAIN.replace(cutmix=1.0, mixup_per=per, batch_size=COUNT)
    levels = np.repeat(255 * LABELS[:, 1], 36 * 3).reshape(COUNT, 6, 6, 3).astype(np.uint8)

    for images, labels, weights in batches(recipe, images=levels, epoch=0):
        assert set(np.unique(images)) == {0, 255}
        np.testing.assert_allclose(images.mean(axis=(1, 2, 3)) / 255, labels[:, 1], atol=1e-6)
        np.testing.assert_array_equal(weights, 1)
        assert np.any((labels[:, 1] > 0) & (labels[:, 1] < 1))


def test_of_mixup_and_cutmix_each_batch_takes_one():
    both = PLAIN.replace(mixup=0.4, cutmix=1.0, batch_size=COUNT)
    kinds = set()
    for epoch in range(8):
        (found,), (mixed,), (cut,) = (
            batches(recipe, epoch=epoch)
            for recipe in (both, both.replace(cutmix=0.0), both.replace(mixup=0.0))
        )
        is_mixed = found[0].tobytes() == mixed[0].tobytes()
        assert_equal_bitwise([found], [mixed if is_mixed else cut])
        kinds.add(is_mixed)

    assert kinds == {True, False}


@pytest.mark.parametrize("batch_size", [1, 5, 18, 100])
def test_evaluation_gives_every_image_once_and_in_order(batch_size):
    found = list(evaluation_batches(IMAGES, batch_size).as_numpy_iterator())

    assert [len(images) for images in found[:-1]] == [batch_size] * (len(found) - 1)
    assert all(images.dtype == np.float32 for images in found)
    np.testing.assert_array_equal(np.concatenate(found), IMAGES)


REPLICAS = """
import json
import numpy as np
import tensorflow as tf
from dlmath.data.pipeline import training_batches
from dlmath.recipe import Recipe

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
images = np.arange(12, dtype=np.uint8).reshape(12, 1, 1, 1).repeat(3, axis=3)
recipe = Recipe(name="test", batch_size=4)
batches = training_batches(images, np.eye(2)[np.arange(12) % 2], recipe, epoch=0)
whole = [batch[0][:, 0, 0, 0].numpy().tolist() for batch in batches]
split = [
    [part[:, 0, 0, 0].numpy().tolist() for part in batch[0].values]
    for batch in strategy.experimental_distribute_dataset(batches)
]
print(json.dumps([whole, split]))
"""


def test_two_replicas_share_each_batch_evenly(repository):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(REPLICAS)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    whole, split = json.loads(done.stdout.splitlines()[-1])

    assert split == [[batch[:2], batch[2:]] for batch in whole]
