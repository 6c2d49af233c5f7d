r"""Training batches from decoded pixels, which can be made again in any order.

A batch is a pure function of (seed, epoch, step): the epoch's permutation, the augmentation and
the mixing partners are each drawn from a generator keyed by these numbers, so that a training
resumed at any step sees what the uninterrupted one saw.

Weights and soft labels. Let w_k be the weight of class k, u_i that of example i, y_i its smoothed
one-hot label. Class weights belong to the components of the label, v_ik = u_i w_k y_ik; what is
mixed is m = lam v_i + (1 - lam) v_j, and the loss wanted is L = -sum_k m_k log p_k. As m does not
sum to one, TensorFlow's gradient of softmax cross-entropy would be wrong (p - m, where
sum(m) p - m is right). So with s = sum_k m_k a batch holds labels q = m / s and weights s:

    s * -sum_k q_k log p_k = -sum_k s (m_k / s) log p_k = L.
"""

import numpy as np
import tensorflow as tf

from dlmath import seeds
from dlmath.data import augment
from dlmath.data.rows import Rows
from dlmath.errors import DataError
from dlmath.layers import cut_mix, mix_up
from dlmath.recipe import Recipe


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Return the steps of a training epoch: the remainder is dropped, but never all.

    Raises:
        DataError: There are no examples.
    """
    if count < 1:
        raise DataError(f"Training needs at least one example. Received: {count} examples")
    return max(1, count // batch_size)


def training_batches(
    images: Rows,
    labels: np.ndarray,
    recipe: Recipe,
    *,
    epoch: int,
    first_step: int = 0,
    sample_weights: np.ndarray | None = None,
    are_pixels: bool = True,
) -> tf.data.Dataset:
    """Return the batches of one epoch, shuffled, augmented, weighted and mixed.

    Every batch has the recipe's batch size B, or holds all examples when they are fewer. Which
    examples the dropped remainder has changes with the epoch.

    Args:
        images: uint8 (N, H, W, 3), in memory or mapped from a file; or activations of any dtype.
        labels: One-hot or soft labels, (N, K), rows summing to one.
        recipe: Its seed, batch size, augmentation, mixing, label smoothing and class weights.
        epoch: Counted from 0.
        first_step: Leave out the steps before this one; the others stay bitwise as they are.
        sample_weights: (N,), at least 0; 1 by default.
        are_pixels: Whether `images` are pixels, to be augmented; activations are only mixed.

    Returns:
        (images, labels, weights): float32 (B, H, W, 3) in 0..255, float32 (B, K) with rows
        summing to one, float32 (B,).
    """
    steps = steps_per_epoch(len(images), recipe.batch_size)
    batch_size = min(recipe.batch_size, len(images))
    order = _order(len(images), recipe, epoch)
    targets, weights = weighted_labels(labels, recipe, sample_weights)

    def gather(rows: np.ndarray) -> tuple[np.ndarray, ...]:
        return images[rows], targets[rows], weights[rows]

    @tf.autograph.experimental.do_not_convert  # there is nothing to convert, and it takes seconds
    def make(
        rows: tf.Tensor, augment_seed: tf.Tensor, mix_up_seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        # Through Python, because a mapped file must not be copied into a tensor as a whole.
        gathered = tf.numpy_function(
            gather, [rows], (images.dtype, tf.float32, tf.float32), stateful=False
        )
        for part, whole in zip(gathered, (images, targets, weights), strict=True):
            part.set_shape((batch_size, *whole.shape[1:]))
        pixels, batch_labels, batch_weights = gathered
        return make_batch(
            pixels,
            batch_labels,
            batch_weights,
            recipe,
            augment_seed,
            mix_up_seed,
            are_pixels=are_pixels,
        )

    plan = (
        order[: steps * batch_size].reshape(steps, batch_size),
        _step_seeds(recipe.seed, "augment", epoch, steps),
        _step_seeds(recipe.seed, "mixup", epoch, steps),
    )
    return (
        tf.data.Dataset.from_tensor_slices(tuple(part[first_step:] for part in plan))
        .map(make, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(_options())
    )


def batch_rows(count: int, recipe: Recipe, epoch: int, step: int) -> np.ndarray:
    """Return the rows, (B,), of the images in one batch of `training_batches`.

    Args:
        count: How many images there are.
        recipe: Its seed and batch size.
        epoch: Counted from 0.
        step: Counted from 0.
    """
    size = min(recipe.batch_size, count)
    return _order(count, recipe, epoch)[step * size : (step + 1) * size]


def _order(count: int, recipe: Recipe, epoch: int) -> np.ndarray:
    return seeds.generator(recipe.seed, "shuffle", epoch).permutation(count)


def make_batch(
    pixels: tf.Tensor,
    labels: tf.Tensor,
    weights: tf.Tensor,
    recipe: Recipe,
    augment_seed: tf.Tensor,
    mix_up_seed: tf.Tensor,
    *,
    are_pixels: bool = True,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Augment and mix one batch.

    Args:
        pixels: uint8 (B, H, W, 3), or activations of any dtype.
        labels: float32 (B, K), rows of `weighted_labels`.
        weights: float32 (B,), their weights.
        recipe: Its augmentation, Mixup and CutMix.
        augment_seed: int32 (2,).
        mix_up_seed: int32 (2,).
        are_pixels: As in `training_batches`.

    Returns:
        (images, labels, weights) as `training_batches` gives them.
    """
    count = pixels.shape[0]
    images = tf.cast(pixels, tf.float32)
    if are_pixels and recipe.augments:
        images = augment.apply(images, augment.draw(recipe, count, augment_seed))
    if recipe.mixup > 0 or recipe.cutmix > 0:
        images, mix = _mix(images, recipe, mix_up_seed)
        labels, weights = mix_up.blend_weighted(labels, weights, mix)
    return images, labels, weights


def _mix(images: tf.Tensor, recipe: Recipe, seed: tf.Tensor) -> tuple[tf.Tensor, mix_up.Mix]:
    """Mix the images of a batch by Mixup or by CutMix; of both, each batch draws one."""
    count = images.shape[0]

    def mixed() -> tuple[tf.Tensor, mix_up.Mix]:
        mix = mix_up.draw(count, recipe.mixup, per=recipe.mixup_per, seed=seed)
        return mix_up.blend(images, mix), mix

    def cut() -> tuple[tf.Tensor, mix_up.Mix]:
        size = (images.shape[1], images.shape[2])
        found = cut_mix.draw(count, recipe.cutmix, size, per=recipe.mixup_per, seed=seed)
        return cut_mix.blend(images, found), found.mix

    if not recipe.cutmix:
        return mixed()
    if not recipe.mixup:
        return cut()
    further = tf.random.experimental.stateless_fold_in(seed, 2, alg=mix_up.ALGORITHM)
    half = tf.random.stateless_uniform((), further, alg=mix_up.ALGORITHM) < 0.5
    both: tuple[tf.Tensor, mix_up.Mix] = tf.cond(half, mixed, cut)
    return both


def weighted_labels(
    labels: np.ndarray, recipe: Recipe, sample_weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Smooth labels, multiply their components by the class weights, and split off their sums.

    Args:
        labels: (N, K), rows summing to one.
        recipe: Its label smoothing and class weights.
        sample_weights: (N,), at least 0; 1 by default.

    Returns:
        Labels (N, K) with rows summing to one and weights (N,), both float32.
    """
    smoothed = (1 - recipe.label_smoothing) * labels + recipe.label_smoothing / labels.shape[1]
    weights = np.ones(len(labels)) if sample_weights is None else np.asarray(sample_weights)
    if recipe.class_weights == "balanced":
        smoothed = smoothed * balanced_class_weights(labels)
        sums = smoothed.sum(axis=1)
        smoothed, weights = smoothed / sums[:, np.newaxis], weights * sums
    return smoothed.astype(np.float32), weights.astype(np.float32)


def balanced_class_weights(labels: np.ndarray) -> np.ndarray:
    """Return n / (K n_k) for each class k of labels (N, K): all classes then weigh the same.

    Raises:
        DataError: A class has no example.
    """
    counts = labels.sum(axis=0)
    if not counts.all():
        empty = np.flatnonzero(counts == 0).tolist()
        raise DataError(
            "Balanced class weights need training examples of every class. Received: none of "
            f"class number {', '.join(map(str, empty))} (from 0). "
            "Add some, or train with --set class_weights=none"
        )
    return len(labels) / (labels.shape[1] * counts)


def evaluation_batches(images: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Return all images in order: float32 (B, H, W, 3) in 0..255, the last batch smaller.

    Args:
        images: uint8 (N, H, W, 3), in memory or mapped from a file.
        batch_size: B, at least 1.
    """

    def gather(start: np.int64) -> np.ndarray:
        return images[start : start + batch_size]

    @tf.autograph.experimental.do_not_convert
    def make(start: tf.Tensor) -> tf.Tensor:
        pixels = tf.numpy_function(gather, [start], tf.uint8, stateful=False)
        return tf.cast(tf.ensure_shape(pixels, (None, *images.shape[1:])), tf.float32)

    return (
        tf.data.Dataset.range(0, len(images), batch_size)
        .map(make, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(_options())
    )


def _step_seeds(seed: int, purpose: str, epoch: int, steps: int) -> np.ndarray:
    keys = [seeds.tensorflow_seed(seed, purpose, epoch, step) for step in range(steps)]
    return np.array(keys, np.int32)  # (steps, 2)


def _options() -> tf.data.Options:
    options = tf.data.Options()
    # There are no files to share out between workers, only batches to split.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return options
