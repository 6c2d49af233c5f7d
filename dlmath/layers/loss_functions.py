r"""The loss functions as pairs of forward and backward, with their derivations.

Sources: Tsemo, *The algebra and the geometry aspect of deep learning*, 3 and 4; Jiang, *A
mathematical understanding of deep learning*, 3, whose proofs are given here.

In what follows y is the truth, p a prediction, z a logit, K the number of outputs; every function
gives one number for a sample, and g, its upstream gradient, is as many numbers. The truth has a
gradient too: label smoothing and distillation differentiate through it.
"""

import tensorflow as tf

from dlmath.layers import cancellation
from dlmath.layers.hand_derived import Function, Gradients


class SquaredError(Function):
    """l = (1/K) sum of (p - y)^2 along the last axis.

    dl(v) = (2/K) <p - y, v>, so dl/dp = 2 (p - y) / K, and dl/dy is its negative.
    """

    def forward(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        difference = y_pred - y_true
        return tf.reduce_mean(difference * difference, axis=-1), difference

    def backward(self, cache: tf.Tensor, g: tf.Tensor) -> Gradients:
        difference = cache
        share = tf.expand_dims(g, -1) / difference.shape[-1]
        return {"y_true": -2 * share * difference, "y_pred": 2 * share * difference}


class SoftmaxCrossEntropy(Function):
    r"""l = -sum of y_j log S(z)_j, the categorical cross-entropy on logits.

    l is the cross-entropy after softmax. With u = -y / S the gradient of the first and
    v -> S * (v - <S, v>) the adjoint of the second (`activations.Softmax`), the chain rule gives

        dl/dz = S * (u - <S, u>) = (sum of y) S - y,

    which is **S(z) - y** exactly when the truth sums to 1, as one-hot, smoothed and mixed labels
    do. (Jiang states it for every y in {0, 1}^m, and `tf.nn.softmax_cross_entropy_with_logits`
    returns it for every y; with two ones the first term is 2 S.) Fused like this, nothing is
    divided by a probability that has underflowed to 0. dl/dy = -log S(z).

    **Without cancellation.** Of a confident answer both the loss and the gradient are small, and
    neither is 0. With the largest logit subtracted, the sum of exponentials is 1 + r with r the sum
    of the others, and log(1 + r) is `log1p`. As the entries of S sum to 1,

        (sum of y) S_j - y_j = S_j (sum of the other y) - y_j (sum of the other S).

    A logit of -inf is a class that is ruled out: it adds nothing where y_j = 0.
    """

    def __init__(self, axis: int = -1):
        self.axis = axis

    def forward(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        largest = tf.reduce_max(y_pred, axis=self.axis, keepdims=True)
        shifted = y_pred - tf.stop_gradient(largest)
        powers = tf.exp(shifted)
        log_softmax = shifted - tf.math.log1p(_sum_less_one(powers, self.axis))
        # 0 * -inf counts as 0, the limit of y log S.
        loss = -tf.reduce_sum(tf.math.multiply_no_nan(log_softmax, y_true), axis=self.axis)
        return loss, (y_true, log_softmax)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        y_true, log_softmax = cache
        g = tf.expand_dims(g, self.axis)
        softmax = tf.exp(log_softmax)
        towards = softmax * cancellation.sum_of_others(y_true, self.axis)
        away = y_true * cancellation.sum_of_others(softmax, self.axis)
        return {"y_true": -g * log_softmax, "y_pred": g * (towards - away)}


def _sum_less_one(powers: tf.Tensor, axis: int) -> tf.Tensor:
    """Return (sum along the axis) - 1 of numbers whose largest is 1, without cancellation."""
    weights = cancellation.leaders(powers, axis)
    small = tf.reduce_sum((1 - weights) * powers, axis=axis, keepdims=True)
    # The second term is 0, and its derivative is not.
    return small + (tf.reduce_sum(weights * powers, axis=axis, keepdims=True) - 1)


class CategoricalCrossEntropy(Function):
    r"""l = -sum of y_j log q_j on probabilities, with q = p / (sum of p), as Keras has it.

    Its own part: dl/dq_j = -y_j / q_j, since q_j occurs in no other term. q is kept within
    [e, 1 - e] for a small e, and outside of it the gradient is 0: **an answer that is wrong with
    certainty learns nothing**, a reason to prefer logits. The division: with s = sum of p,
    dq(v) = (v - q (sum of v)) / s, whose adjoint is u -> (u - <q, u>) / s. Together

        dl/dp = (u - <q, u>) / s,     u = -y / q where e <= q <= 1 - e, and 0 elsewhere.

    The q sum to 1, so where q_j > 1/2 its logarithm is log(1 - (sum of the other q)), by `log1p`,
    and `cancellation.centred` gives u - <q, u>: of a confident answer neither is rounded to 0.

    Args:
        axis: The axis of the classes.
        epsilon: e.
    """

    def __init__(self, axis: int = -1, epsilon: float = 1e-7):
        self.axis = axis
        self.epsilon = epsilon

    def forward(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        total = tf.reduce_sum(y_pred, axis=self.axis, keepdims=True)
        q = y_pred / total
        others = cancellation.sum_of_others(y_pred, self.axis) / total
        kept = tf.clip_by_value(q, self.epsilon, 1 - self.epsilon)
        log_q = tf.where(
            q > 0.5,
            tf.math.log1p(-tf.clip_by_value(others, self.epsilon, 1 - self.epsilon)),
            tf.math.log(kept),
        )
        loss = -tf.reduce_sum(y_true * log_q, axis=self.axis)
        return loss, (y_true, q, kept, log_q, total)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        y_true, q, kept, log_q, total = cache
        g = tf.expand_dims(g, self.axis)
        u = tf.where(q == kept, -g * y_true / kept, tf.zeros_like(q))
        return {"y_true": -g * log_q, "y_pred": cancellation.centred(u, q, self.axis) / total}


class SigmoidCrossEntropy(Function):
    r"""The mean over the K outputs of -y log s(z) - (1 - y) log(1 - s(z)), with the sigmoid s.

    With p(z) = log(1 + e^z) = max(z, 0) + log(1 + e^-|z|), the last form without overflow,
    -log s(z) = p(-z) and -log(1 - s(z)) = p(z), so one term is y p(-z) + (1 - y) p(z). As
    p(z) - p(-z) = z it is also p(z) - y z, which cancels where the answer is right and certain. The
    derivative of p is s, and 1 - s(z) = s(-z), so

        dl/dz = (s(z) - y) / K = ((1 - y) s(z) - y s(-z)) / K,        dl/dy = -z / K:

    the gradient of logistic regression (Tsemo, 3).
    """

    def __init__(self, axis: int = -1):
        self.axis = axis

    def forward(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        z = y_pred
        tail = tf.math.log1p(tf.exp(-tf.abs(z)))
        # 0 * inf counts as 0: a logit of -inf is a no for certain.
        yes = tf.math.multiply_no_nan(tf.maximum(-z, 0) + tail, y_true)
        no = tf.math.multiply_no_nan(tf.maximum(z, 0) + tail, 1 - y_true)
        return tf.reduce_mean(yes + no, axis=self.axis), (y_true, z)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        y_true, z = cache
        share = tf.expand_dims(g, self.axis) / z.shape[self.axis]
        slope = (1 - y_true) * tf.math.sigmoid(z) - y_true * tf.math.sigmoid(-z)
        return {"y_true": -share * z, "y_pred": share * slope}


class BinaryCrossEntropy(Function):
    r"""The mean over the K outputs of -y log p - (1 - y) log(1 - p), on probabilities.

        dl/dp = (-y / p + (1 - y) / (1 - p)) / K,     dl/dy = (log(1 - p) - log p) / K.

    p is kept within [e, 1 - e], and the gradient is 0 outside, as in `CategoricalCrossEntropy`.
    log(1 - p) is `log1p(-p)`: in float32 1 - p has lost most digits of a p of 1e-5.

    Args:
        axis: The axis that is averaged over.
        epsilon: e.
    """

    def __init__(self, axis: int = -1, epsilon: float = 1e-7):
        self.axis = axis
        self.epsilon = epsilon

    def forward(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        p = tf.clip_by_value(y_pred, self.epsilon, 1 - self.epsilon)
        terms = -y_true * tf.math.log(p) - (1 - y_true) * tf.math.log1p(-p)
        return tf.reduce_mean(terms, axis=self.axis), (y_true, y_pred, p)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        y_true, y_pred, p = cache
        share = tf.expand_dims(g, self.axis) / p.shape[self.axis]
        slope = -y_true / p + (1 - y_true) / (1 - p)
        return {
            "y_true": share * (tf.math.log1p(-p) - tf.math.log(p)),
            "y_pred": tf.where(p == y_pred, share * slope, tf.zeros_like(p)),
        }
