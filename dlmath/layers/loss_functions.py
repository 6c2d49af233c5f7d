r"""The loss functions as pairs of forward and backward, with their derivations.

Sources: Tsemo, *The algebra and the geometry aspect of deep learning*, 3 and 4; Jiang, *A
mathematical understanding of deep learning*, 3, whose proofs are given here.

In what follows y is the truth, p a prediction, z a logit, K the number of outputs; every function
gives one number for a sample, and g, its upstream gradient, is as many numbers. The truth has a
gradient too: label smoothing and distillation differentiate through it.
"""

import tensorflow as tf

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

    A logit of -inf is a class that is ruled out: it adds nothing where y_j = 0.
    """

    def __init__(self, axis: int = -1):
        self.axis = axis

    def forward(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        largest = tf.reduce_max(y_pred, axis=self.axis, keepdims=True)
        shifted = y_pred - tf.stop_gradient(largest)
        total = tf.reduce_sum(tf.exp(shifted), axis=self.axis, keepdims=True)
        log_softmax = shifted - tf.math.log(total)
        # 0 * -inf counts as 0, the limit of y log S.
        loss = -tf.reduce_sum(tf.math.multiply_no_nan(log_softmax, y_true), axis=self.axis)
        return loss, (y_true, log_softmax)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        y_true, log_softmax = cache
        g = tf.expand_dims(g, self.axis)
        mass = tf.reduce_sum(y_true, axis=self.axis, keepdims=True)
        return {
            "y_true": -g * log_softmax,
            "y_pred": g * (mass * tf.exp(log_softmax) - y_true),
        }


class CategoricalCrossEntropy(Function):
    r"""l = -sum of y_j log q_j on probabilities, with q = p / (sum of p), as Keras has it.

    Its own part: dl/dq_j = -y_j / q_j, since q_j occurs in no other term. q is kept within
    [e, 1 - e] for a small e, and outside of it the gradient is 0: **an answer that is wrong with
    certainty learns nothing**, a reason to prefer logits. The division: with s = sum of p,
    dq(v) = (v - q (sum of v)) / s, whose adjoint is u -> (u - <q, u>) / s. Together

        dl/dp = (u - <q, u>) / s,     u = -y / q where e <= q <= 1 - e, and 0 elsewhere.

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
        kept = tf.clip_by_value(q, self.epsilon, 1 - self.epsilon)
        loss = -tf.reduce_sum(y_true * tf.math.log(kept), axis=self.axis)
        return loss, (y_true, q, kept, total)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        y_true, q, kept, total = cache
        g = tf.expand_dims(g, self.axis)
        u = tf.where(q == kept, -g * y_true / kept, tf.zeros_like(q))
        return {
            "y_true": -g * tf.math.log(kept),
            "y_pred": (u - tf.reduce_sum(q * u, axis=self.axis, keepdims=True)) / total,
        }


class SigmoidCrossEntropy(Function):
    r"""The mean over the K outputs of -y log s(z) - (1 - y) log(1 - s(z)), with the sigmoid s.

    As 1 - s(z) = e^-z s(z), one term is log(1 + e^z) - y z = max(z, 0) + log(1 + e^-|z|) - y z, the
    last form without overflow. The derivative of log(1 + e^z) is s(z), so

        dl/dz = (s(z) - y) / K,        dl/dy = -z / K:

    the gradient of logistic regression (Tsemo, 3).
    """

    def __init__(self, axis: int = -1):
        self.axis = axis

    def forward(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        z = y_pred
        # 0 * -inf counts as 0: a logit of -inf is a no for certain.
        agreement = tf.math.multiply_no_nan(z, y_true)
        terms = tf.maximum(z, 0) + tf.math.log1p(tf.exp(-tf.abs(z))) - agreement
        return tf.reduce_mean(terms, axis=self.axis), (y_true, z)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        y_true, z = cache
        share = tf.expand_dims(g, self.axis) / z.shape[self.axis]
        return {"y_true": -share * z, "y_pred": share * (tf.math.sigmoid(z) - y_true)}


class BinaryCrossEntropy(Function):
    r"""The mean over the K outputs of -y log p - (1 - y) log(1 - p), on probabilities.

        dl/dp = (-y / p + (1 - y) / (1 - p)) / K,     dl/dy = (log(1 - p) - log p) / K.

    p is kept within [e, 1 - e], and the gradient is 0 outside, as in `CategoricalCrossEntropy`.

    Args:
        axis: The axis that is averaged over.
        epsilon: e.
    """

    def __init__(self, axis: int = -1, epsilon: float = 1e-7):
        self.axis = axis
        self.epsilon = epsilon

    def forward(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        p = tf.clip_by_value(y_pred, self.epsilon, 1 - self.epsilon)
        terms = -y_true * tf.math.log(p) - (1 - y_true) * tf.math.log(1 - p)
        return tf.reduce_mean(terms, axis=self.axis), (y_true, y_pred, p)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        y_true, y_pred, p = cache
        share = tf.expand_dims(g, self.axis) / p.shape[self.axis]
        slope = -y_true / p + (1 - y_true) / (1 - p)
        return {
            "y_true": share * (tf.math.log(1 - p) - tf.math.log(p)),
            "y_pred": tf.where(p == y_pred, share * slope, tf.zeros_like(p)),
        }
