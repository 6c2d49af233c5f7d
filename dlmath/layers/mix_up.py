"""Mixup: train on convex combinations of pairs of examples.

    x = lam * x_i + (1 - lam) * x_j,    y = lam * y_i + (1 - lam) * y_j,    lam ~ Beta(alpha, alpha)

Source: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", 2018,
arXiv:1710.09412, eq. 1. The paper draws one lam a batch; here each example has its own unless
asked otherwise, for a gradient that varies less. As in the paper, lam is not folded to [0.5, 1]:
a row of the batch may come out nearer to its partner than to itself.

Drawing the numbers and applying them are two functions, so that tests can pass numbers they know
and a pipeline can key its draws by epoch and step. `MixUp` is the two in a layer.
"""

import math
import numbers
from typing import Any, NamedTuple

import keras
import tensorflow as tf

# Named, since `auto_select` draws other numbers on other devices.
ALGORITHM = "philox"


class Mix(NamedTuple):
    """A mixing of rows: row i becomes `lam[i]` of itself and the rest of row `partner[i]`."""

    lam: tf.Tensor  # (N,) float32 in [0, 1]
    partner: tf.Tensor  # (N,) int32, a permutation of 0..N-1


def draw(
    batch_size: int | tf.Tensor,
    alpha: float,
    *,
    per: str = "example",
    seed: tuple[int, int] | tf.Tensor,
) -> Mix:
    """Draw the numbers of one batch, as a pure function of the arguments.

    Args:
        batch_size: Number N of examples.
        alpha: Strength, at least 0; at 0 every lam is 1. The paper uses 0.1 to 0.4 on ImageNet.
        per: `example` draws a lam for each row, `batch` one for all.
        seed: Two integers, as `tf.random.stateless_*` takes them.

    Raises:
        ValueError: `alpha` is not a finite number of at least 0, or `per` is unknown.
    """
    _check(alpha, per)
    lam_seed, partner_seed = _two_seeds(seed)
    partner = tf.random.experimental.stateless_shuffle(
        tf.range(batch_size), seed=partner_seed, alg=ALGORITHM
    )
    if alpha == 0:
        lam = tf.ones([batch_size])
    elif per == "example":
        lam = _symmetric_beta(batch_size, alpha, lam_seed)
    else:
        lam = tf.repeat(_symmetric_beta(1, alpha, lam_seed), batch_size)
    return Mix(lam, partner)


def _symmetric_beta(n: int | tf.Tensor, alpha: float, seed: tf.Tensor) -> tf.Tensor:
    """Draw n numbers from Beta(alpha, alpha) as G / (G + H), with G and H ~ Gamma(alpha).

    For a small alpha both G and H underflow, and the quotient is NaN. So it is taken as
    sigmoid(log G - log H), where log G = log G' + log(U) / alpha with G' ~ Gamma(alpha + 1) and
    U uniform (Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", 2000, sec. 6).
    """
    tiny = 1.2e-38  # the smallest normal float32: keeps log(U) and the division by alpha finite
    alpha = min(max(alpha, tiny), 1e30)  # what float32 holds; the distribution is at its limits
    gamma_seed, uniform_seed = _two_seeds(seed)
    gammas = tf.random.stateless_gamma([2, n], gamma_seed, alpha + 1.0)
    uniforms = tf.random.stateless_uniform([2, n], uniform_seed, minval=tiny, alg=ALGORITHM)
    # One difference is divided, not two logarithms: inf - inf would be NaN.
    log_ratio = tf.math.log(uniforms[0]) - tf.math.log(uniforms[1])
    return tf.sigmoid(tf.math.log(gammas[0]) - tf.math.log(gammas[1]) + log_ratio / alpha)


def _two_seeds(seed: tuple[int, int] | tf.Tensor) -> list[tf.Tensor]:
    return tf.unstack(tf.random.split(seed, 2, alg=ALGORITHM))


def blend(x: tf.Tensor, mix: Mix) -> tf.Tensor:
    """Apply a draw to images, labels or weights, of any rank of at least 1 and N rows.

    Returns the same shape. A floating dtype is kept; integers become float32.
    """
    x = tf.convert_to_tensor(x)
    dtype = x.dtype if x.dtype.is_floating else tf.float32
    exact = tf.float64 if dtype == tf.float64 else tf.float32  # half precision would round lam
    x = tf.cast(x, exact)
    lam = tf.reshape(tf.cast(mix.lam, exact), [-1] + [1] * (x.shape.rank - 1))
    return tf.cast(lam * x + (1 - lam) * tf.gather(x, mix.partner), dtype)


def blend_weighted(
    labels: tf.Tensor, sample_weight: tf.Tensor, mix: Mix
) -> tuple[tf.Tensor, tf.Tensor]:
    """Apply a draw to labels whose examples carry weights w.

    The weight of a mixed example is w = lam * w_i + (1 - lam) * w_j, and its label the mean of
    the two labels by their shares of it. A loss that is linear in the label, as cross-entropy is,
    then comes out as lam * w_i * loss(y_i) + (1 - lam) * w_j * loss(y_j).

    Returns labels of the same shape and weights (N,). Where both weights are zero, so is the
    mixed one, and the label is zero too.
    """
    column = tf.reshape(sample_weight, [-1] + [1] * (labels.shape.rank - 1))
    weight = blend(sample_weight, mix)
    mixed = blend(labels * tf.cast(column, labels.dtype), mix)
    share = tf.reshape(tf.cast(weight, mixed.dtype), tf.shape(column))
    return tf.math.divide_no_nan(mixed, share), weight


@keras.saving.register_keras_serializable("dlmath")
class MixUp(keras.layers.Layer):
    """Mix each example of a batch, and its label alike, with another one, in training only.

    Outside training, and with `alpha=0`, values pass through unchanged.

    The layer draws from a random stream of its own, whose order a parallel `Dataset.map` does
    not keep. A pipeline that must be repeatable calls `draw` and `blend` with keyed seeds.

    Args:
        alpha: Strength, at least 0. The paper uses 0.1 to 0.4 on ImageNet.
        per: `example` draws a lam for each example, `batch` one for the whole batch.
        seed: Seed of the layer's random stream; None takes a new one each time.

    Shapes:
        images (N, H, W, C) of any dtype; floating ones are kept, integers come out as float32.
        labels one-hot or soft (N, K), or binary (N,) or (N, 1), floating. Same out.
        sample_weight (N,), if given: mixed as in `blend_weighted`, and a third output.

    Raises:
        ValueError: `alpha` or `per` is out of range, or the labels are integers or of a shape
            that cannot be mixed.
    """

    def __init__(
        self, alpha: float = 0.2, per: str = "example", seed: int | None = None, **kwargs: Any
    ):
        _check(alpha, per)
        super().__init__(**kwargs)
        # Under a half-precision policy Keras would round labels and weights on their way in.
        self.autocast = False
        self.alpha = float(alpha)
        self.per = per
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
        training: bool = False,
    ) -> tuple[tf.Tensor, ...]:
        """Return images and labels, and the weights if there are any."""
        _check_labels(labels)
        if not images.dtype.is_floating:
            images = tf.cast(images, tf.float32)
        given = (images, labels) if sample_weight is None else (images, labels, sample_weight)
        if not training or self.alpha == 0:
            return given
        seed = tf.cast(self.seed_generator.next(), tf.int64)
        mix = draw(tf.shape(images)[0], self.alpha, per=self.per, seed=seed)
        if sample_weight is None:
            return blend(images, mix), blend(labels, mix)
        return blend(images, mix), *blend_weighted(labels, sample_weight, mix)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {**super().get_config(), "alpha": self.alpha, "per": self.per, "seed": self.seed}


def _check(alpha: Any, per: str) -> None:
    is_number = isinstance(alpha, numbers.Real) and not isinstance(alpha, bool)
    if not (is_number and math.isfinite(alpha) and alpha >= 0):
        raise ValueError(f"`alpha` must be a finite number, at least 0. Received: alpha={alpha!r}")
    if per not in ("example", "batch"):
        raise ValueError(f"`per` must be 'example' or 'batch'. Received: per={per!r}")


def _check_labels(labels: tf.Tensor) -> None:
    if not labels.dtype.is_floating:
        raise ValueError(
            "MixUp takes floating labels, since a mixed label lies between classes; turn class "
            f"numbers into keras.ops.one_hot(labels, classes). Received: {labels.dtype.name} labels"
        )
    if labels.shape.rank not in (1, 2):
        raise ValueError(
            "MixUp takes labels of shape (N,), (N, 1) or (N, K). "
            f"Received: labels of shape {labels.shape}"
        )
